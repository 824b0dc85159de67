import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { caffePixels, torchvisionPixels } from '../../lib/coco/pixel-forms';
import type { Detector } from '../../lib/detection/detector';
import { gatherClassMeans } from '../../lib/detection/distill/class-means';
import { createDetectionObjective } from '../../lib/detection/distill/objective';
import { convertPixels } from '../../lib/detection/distill/pixels';
import { reviewPyramid } from '../../lib/detection/distill/review-pyramid';
import { dkd, fitNet, kd, type Method, normDirection } from '../../lib/distill/terms';
import { hierarchicalContextLoss, kdLoss, normDirectionLoss } from '../../lib/losses';
import { hashStateDict } from '../../lib/nn/hash';
import { deterministic } from '../../lib/verify/deterministic';
import {
  shapesBatch,
  shapesBatches,
  tinyDetector,
  tinyLearner,
  tinySampling,
} from '../support/detector';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { expectClose, numbers } from '../support/tensors';

const made = (name: string, shape: number[]): tf.Tensor =>
  tf.tensor(deterministic(`distil/${name}`, shape), shape);

for (const engine of engines) {
  describe(`between detectors (${engine})`, () => {
    withEngine(engine);

    it('images become those of another normalisation, and the padding stays 0', () => {
      // One pixel of red 200, green 100, blue 50, and one of padding.
      const rgb = [200, 100, 50].map(
        (value, i) => (value - (torchvisionPixels.mean[i] ?? 0)) / (torchvisionPixels.std[i] ?? 1),
      );
      const images = tf.tensor4d([...rgb, 0, 0, 0], [1, 1, 2, 3]);
      const size = [{ height: 1, width: 1 }];
      const converted = convertPixels(images, size, torchvisionPixels, caffePixels);
      expectClose(converted, [50 - 103.53, 100 - 116.28, 200 - 123.675, 0, 0, 0], 1e-4);
      expect(convertPixels(images, size, caffePixels, caffePixels)).to.equal(images);
    });

    it('the hierarchical context loss averages sides that do not divide as PyTorch does', () => {
      // 5 × 6, levels 4, 2, 1: rows of level 4 are means of rows 0–1, 1–2, 2–3 and 3–4.
      const student = made('student', [1, 5, 6, 2]) as tf.Tensor4D;
      const zero = tf.zerosLike(student);
      const values = tf.reshape(student, [5, 6, 2]).arraySync() as number[][][];
      const bins = (length: number, side: number): number[][] =>
        Array.from({ length: side }, (_, i) => {
          const first = Math.floor((i * length) / side);
          const end = Math.ceil(((i + 1) * length) / side);
          return Array.from({ length: end - first }, (__, k) => first + k);
        });
      const squares = (side: [number, number]): number => {
        let sum = 0;
        for (const rows of bins(5, side[0])) {
          for (const columns of bins(6, side[1])) {
            for (const channel of [0, 1]) {
              const cells = rows.flatMap((y) => columns.map((x) => values[y]?.[x]?.[channel] ?? 0));
              sum += (cells.reduce((a, b) => a + b, 0) / cells.length) ** 2;
            }
          }
        }
        return sum / (side[0] * side[1] * 2);
      };
      const expected =
        (squares([5, 6]) + squares([4, 4]) / 2 + squares([2, 2]) / 4 + squares([1, 1]) / 8) / 1.875;
      expectClose(hierarchicalContextLoss([student], [zero]), [expected], 1e-5);
    });
  });
}

describe('the distillation of a detector', () => {
  withEngine('native');
  let student: Detector;
  let teacher: Detector;
  beforeEach(() => {
    student = tinyDetector();
    teacher = tinyDetector({ seed: 2, width: 12, pixels: { ...caffePixels, std: [57, 57, 57] } });
  });
  afterEach(() => {
    student.dispose();
    teacher.dispose();
  });
  const means = deterministic('means', [3, 32], 1, 1);
  const plusPlus: Method = {
    name: 'all',
    terms: [
      kd({ weight: 2, temperature: 1 }),
      normDirection({ weight: 3 }),
      reviewPyramid({ weight: 0.5 }),
      dkd({ temperature: 1, beta: 0.5 }),
    ],
  };

  it('weighs KD and ND over all regions, background included, with 81 means for 80 classes', () => {
    const output = (name: string): Parameters<typeof objective.terms>[0]['student'] => ({
      logits: made(`${name}/logits`, [4, 3]) as tf.Tensor2D,
      embedding: made(`${name}/embedding`, [4, 32]) as tf.Tensor2D,
      deltas: made(`${name}/deltas`, [4, 8]) as tf.Tensor2D,
    });
    const method = { name: 'kd++', terms: plusPlus.terms.slice(0, 2) };
    const objective = createDetectionObjective(method, {
      student,
      teacher: { detector: teacher, classMeans: means },
      seed: 1,
    });
    const signals = {
      student: output('student'),
      teacher: output('teacher'),
      studentPyramid: [],
      teacherPyramid: [],
      labels: tf.tensor1d([0, 1, 2, 2], 'int32'),
    };
    const [kdTerm, ndTerm] = objective.terms(signals, { epoch: 0, mode: { training: true } });
    const own = kdLoss(signals.student.logits, signals.teacher.logits, { temperature: 1 });
    expectClose(kdTerm ?? tf.scalar(NaN), [2 * (numbers(own)[0] ?? NaN)], 1e-5);
    const nd = normDirectionLoss(
      signals.student.embedding,
      signals.teacher.embedding,
      signals.labels,
      tf.tensor2d(means, [3, 32]),
    );
    expectClose(ndTerm ?? tf.scalar(NaN), [3 * (numbers(nd)[0] ?? NaN)], 1e-5);
    expect(objective.state).to.equal(undefined);
    objective.dispose();
  });

  it('trains with every term, whose losses fall, and leaves the teacher alone', () => {
    const before = hashStateDict(teacher.stateDict());
    const learner = tinyLearner({
      student,
      teacher: { detector: teacher, classMeans: means },
      method: plusPlus,
    });
    expect(learner.lossNames).to.deep.equal([
      'objectness',
      'proposalBox',
      'classification',
      'box',
      'kd',
      'normDirection',
      'reviewPyramid',
      'dkd',
    ]);
    const batch = shapesBatch(0);
    const step = (iteration: number): readonly number[] => [
      ...learner.step(batch, { iteration, learningRate: 0.005 }).losses,
    ];
    const first = step(0);
    const tensors = tf.memory().numTensors;
    let last = first;
    for (let iteration = 1; iteration < 6; iteration++) last = step(iteration);
    expect(tf.memory().numTensors).to.equal(tensors);
    expect(first.every((loss) => loss > 0)).to.equal(true);
    for (const index of [5, 6]) expect(last[index]).to.be.below(first[index] ?? 0);
    expect(hashStateDict(teacher.stateDict())).to.equal(before);
    expect(learner.objective?.state?.trainable.length).to.be.above(0);
    learner.dispose();
  });

  it('gathers the mean embedding of each class over the teacher’s own regions', async () => {
    const options = {
      seed: 1,
      pixels: student.pixels,
      proposals: tinySampling.proposals,
      sampling: { count: 24, objectShare: 0.5 },
    };
    const gather = (iterations: number): ReturnType<typeof gatherClassMeans> =>
      gatherClassMeans(teacher, shapesBatches(0), { ...options, iterations });
    const tensors = tf.memory().numTensors;
    const { means: found, counts } = await gather(2);
    expect(tf.memory().numTensors).to.equal(tensors);
    expect(found.length).to.equal(3 * 32);
    // 2 iterations of 2 images with up to 24 regions each, most of them background.
    const seen = [...counts].reduce((sum, count) => sum + count, 0);
    expect(seen).to.be.within(4, 2 * 2 * 24);
    expect(counts[2]).to.be.above(0);
    expect((await gather(2)).means).to.deep.equal(found);
    const one = await gather(1);
    const classes = [...counts.keys()].filter((label) => counts[label] === 0);
    for (const label of classes) {
      expect(Math.max(...found.subarray(32 * label, 32 * label + 32))).to.equal(0);
    }
    expect(one.counts[2]).to.be.below(counts[2] ?? 0);
  });

  it('refuses what does not fit, before anything is computed', async () => {
    const refuse = (
      terms: Method['terms'],
      given: { detector: Detector; classMeans?: Float32Array } | undefined,
    ): ReturnType<typeof faultOf> =>
      faultOf(() =>
        tinyLearner({
          student,
          method: { name: 'method', terms },
          ...(given ? { teacher: given } : {}),
        }),
      );
    expect((await refuse([kd()], undefined)).what).to.include('needs a teacher');
    const without = await refuse([normDirection()], { detector: teacher });
    expect(without.found).to.equal('0 numbers where 96 belong');
    expect((await refuse([fitNet()], { detector: teacher })).what).to.include("'fitNet'");
    const other = tinyDetector({ classes: 3 });
    expect((await refuse([kd()], { detector: other })).found).to.include('2 classes');
    other.dispose();
  });
});
