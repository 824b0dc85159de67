import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import type { BoxOutput } from '../../lib/detection/box-head';
import { caffePixels, torchvisionPixels } from '../../lib/detection/coco/images';
import type { Detector } from '../../lib/detection/detector';
import {
  convertPixels,
  createDetectionObjective,
  ofObjects,
  reviewPyramid,
} from '../../lib/detection/distillation';
import { dkd, fitNet, kd, type Method, normDirection, warmUp } from '../../lib/distill/terms';
import { hierarchicalContextLoss, kdLoss, normDirectionLoss } from '../../lib/losses';
import { hashStateDict } from '../../lib/nn/state';
import { deterministic } from '../../lib/verify/deterministic';
import { scriptedDetector, shapesBatch, tinyDetector, tinyLearner } from '../support/detector';
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

    it('images are converted where order, mean or deviation alone differ, each within its own size', () => {
      const form = { order: 'rgb', mean: [1, 2, 3], std: [1, 1, 1] } as const;
      // Two images of 2 × 2, of which the first is 1 high and 2 wide, the second 2 high and 1 wide.
      const images = tf.fill<tf.Rank.R4>([2, 2, 2, 3], 6);
      const sizes = [
        { height: 1, width: 2 },
        { height: 2, width: 1 },
      ];
      const black = [0, 0, 0];
      for (const [to, pixel] of [
        [{ ...form, order: 'bgr' }, [9 - 1, 8 - 2, 7 - 3]],
        [{ ...form, mean: [0, 0, 0] }, [7, 8, 9]],
        [{ ...form, std: [1, 2, 4] }, [6, 3, 1.5]],
      ] as const) {
        const expected = [pixel, pixel, black, black, pixel, black, pixel, black].flat();
        expectClose(convertPixels(images, sizes, form, to), expected, 1e-5);
      }
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
    const terms = [...plusPlus.terms.slice(0, 2), ofObjects(normDirection({ weight: 3 }))];
    const method = { name: 'kd++', terms };
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
      labels: Int32Array.of(0, 1, 2, 2),
    };
    const at = { epoch: 0, mode: { training: true } };
    const [kdTerm, ndTerm, ofTwo] = objective.terms(signals, at);
    const own = kdLoss(signals.student.logits, signals.teacher.logits, { temperature: 1 });
    expectClose(kdTerm ?? tf.scalar(NaN), [2 * (numbers(own)[0] ?? NaN)], 1e-5);
    const nd = normDirectionLoss(
      signals.student.embedding,
      signals.teacher.embedding,
      tf.tensor1d(signals.labels, 'int32'),
      tf.tensor2d(means, [3, 32]),
    );
    expectClose(ndTerm ?? tf.scalar(NaN), [3 * (numbers(nd)[0] ?? NaN)], 1e-5);
    // The first two regions are objects.
    const objects = normDirectionLoss(
      tf.slice(signals.student.embedding, 0, 2),
      tf.slice(signals.teacher.embedding, 0, 2),
      tf.tensor1d([0, 1], 'int32'),
      tf.tensor2d(means, [3, 32]),
    );
    expectClose(ofTwo ?? tf.scalar(NaN), [3 * (numbers(objects)[0] ?? NaN)], 1e-5);
    const none = objective.terms({ ...signals, labels: Int32Array.of(2, 2, 2, 2) }, at);
    expectClose(none[2] ?? tf.scalar(NaN), [0]);
    expect(objective.state).to.equal(undefined);
    objective.dispose();
  });

  it('compares the pyramids level by level, summed, through blocks whose first is the coarsest', () => {
    const objective = createDetectionObjective(
      { name: 'reviewkd', terms: [reviewPyramid({ weight: 0.5 }), reviewPyramid()] },
      { student, teacher: { detector: teacher }, seed: 1 },
    );
    const state = objective.state ?? expect.fail('no blocks');
    // Without weights a block gives the shift of its last norm everywhere: 1 for P6, … 5 for P2.
    for (const { name, value } of state.tensors) {
      const [, block = '', rest = ''] = /^(\d)\.(.*)$/.exec(name) ?? [];
      if (/conv\d\.0\.weight$/.test(rest)) state.tensor(name).replace(tf.zerosLike(value));
      if (rest === 'conv2.1.bias') {
        state.tensor(name).replace(tf.fill(value.shape, Number(block) + 1));
      }
    }
    // 16 × 32 … 1 × 2 cells of 10, 20, 30, 40 and 50.
    const pyramid = (values: readonly number[]): tf.Tensor4D[] =>
      values.map((value, level) => tf.fill([2, 16 / 2 ** level, 32 / 2 ** level, 16], value));
    const empty = {
      logits: tf.zeros([1, 3]),
      embedding: tf.zeros([1, 32]),
      deltas: tf.zeros([1, 8]),
    };
    const [half, whole] = objective.terms(
      {
        student: empty as BoxOutput,
        teacher: empty as BoxOutput,
        studentPyramid: pyramid([7, 7, 7, 7, 7]),
        teacherPyramid: pyramid([10, 20, 30, 40, 50]),
        labels: Int32Array.of(0),
      },
      { epoch: 0, mode: { training: true } },
    );
    // Of constants each level of the context has the same error.
    const expected = (10 - 5) ** 2 + (20 - 4) ** 2 + (30 - 3) ** 2 + (40 - 2) ** 2 + (50 - 1) ** 2;
    expectClose(half ?? tf.scalar(NaN), [0.5 * expected], 0.1);
    expectClose(whole ?? tf.scalar(NaN), [expected], 0.1);
    // In training the blocks' norms follow the batch, once a term: the variance of a constant is 0.
    const [variance] = numbers(state.tensor('0.conv2.1.running_var').value);
    expect(variance).to.be.closeTo(0.9 ** 2, 1e-5);
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

  it('is that of KD to the byte where ND weighs nothing', () => {
    const learnt = (terms: Method['terms']): string => {
      const learner = tinyLearner({
        student: tinyDetector(),
        teacher: { detector: teacher, classMeans: means },
        method: { name: 'test', terms },
      });
      for (let iteration = 0; iteration < 3; iteration++) {
        learner.step(shapesBatch(iteration), { iteration, learningRate: 0.005 });
      }
      const hash = hashStateDict(learner.student.stateDict());
      learner.student.dispose();
      learner.dispose();
      return hash;
    };
    const alone = kd({ weight: 1, temperature: 1 });
    expect(learnt([alone, normDirection({ weight: 0 })])).to.equal(learnt([alone]));
    expect(learnt([alone, normDirection({ weight: 0.1 })])).to.not.equal(learnt([alone]));
  });

  it('shows the teacher the student’s images in its own normalisation', () => {
    const whole = shapesBatch(0);
    // The second image is 32 × 64: what is below is padding. A pixel of red 200, green 100, blue 50.
    const [first, second] = whole.items;
    if (!first || !second) return expect.fail('no images');
    const items = [first, { ...second, height: 32, boxes: Float32Array.of(4, 4, 30, 30) }];
    const at = 3 * 64 * 64;
    whole.images.fill(0, at + 3 * 32 * 64);
    const { mean, std } = torchvisionPixels;
    [200, 100, 50].forEach((value, c) => {
      whole.images[at + c] = (value - (mean[c] ?? 0)) / (std[c] ?? 1);
    });
    const seen = new Map<string, number[]>();
    const regions = new Map<string, readonly Float32Array[]>();
    const modes: string[] = [];
    const pyramids = new Map<string, readonly tf.Tensor4D[]>();
    const watched = (name: string, detector: Detector): Detector => ({
      ...detector,
      frozen(images) {
        seen.set(name, numbers(images));
        return detector.frozen(images);
      },
      pyramid(progress, mode) {
        modes.push(`${name} ${mode.training ? 'training' : 'as it is'}`);
        const pyramid = detector.pyramid(progress, mode);
        pyramids.set(name, pyramid);
        return pyramid;
      },
      detect(pyramid, asked) {
        expect(pyramid === pyramids.get(name), name).to.equal(true);
        regions.set(name, asked);
        return detector.detect(pyramid, asked);
      },
    });
    const learner = tinyLearner({
      student: watched('student', student),
      teacher: { detector: watched('teacher', teacher), classMeans: means },
      method: plusPlus,
    });
    learner.step({ ...whole, items }, { iteration: 0, learningRate: 0.005 });
    learner.dispose();
    expect(seen.get('student')).to.deep.equal([...whole.images]);
    const own = seen.get('teacher') ?? [];
    expectClose(
      own.slice(at, at + 3),
      [(50 - 103.53) / 57, (100 - 116.28) / 57, (200 - 123.675) / 57],
      1e-5,
    );
    expect(own.slice(at + 3 * 32 * 64).every((value) => value === 0)).to.equal(true);
    expect(modes).to.have.members(['student training', 'teacher as it is']);
    expect(regions.get('teacher')).to.equal(regions.get('student'));
  });

  it('warms a term up with each iteration, over epochs of the training images', async () => {
    const levels = [[[0, 20, 10, 40]]];
    const saying = (scores: readonly number[]): Detector =>
      scriptedDetector({ classes: 2, levels, say: () => ({ scores }) });
    // Probabilities ¼ ¼ ½ and ½ ¼ ¼, background last: Σ t · ln(t / s) = ½ ln 2 − ¼ ln 2.
    const parts = { student: saying([0.25, 0.25]), teacher: { detector: saying([0.5, 0.25]) } };
    const term = kd({ weight: 4, temperature: 1 });
    const whole = Math.LN2;
    const lossAt = (
      terms: Method['terms'],
      iteration: number,
      iterationsPerEpoch?: number,
    ): number => {
      const method = { name: 'kd', terms };
      const epoch = iterationsPerEpoch === undefined ? {} : { iterationsPerEpoch };
      const learner = tinyLearner({ ...parts, method, ...epoch });
      const { losses } = learner.step(shapesBatch(0), { iteration, learningRate: 0 });
      learner.dispose();
      return losses[4] ?? NaN;
    };
    // 12 images in batches of 2 are 6 iterations: after 3 of them half an epoch, a quarter of two.
    const cases: [terms: Method['terms'], iteration: number, factor: number][] = [
      [[warmUp(2, term)], 0, 0],
      [[warmUp(2, term)], 3, 1 / 4],
      [[warmUp(2, term)], 6, 1 / 2],
      [[warmUp(2, term)], 11, 11 / 12],
      [[warmUp(2, term)], 12, 1],
      [[warmUp(2, term)], 30, 1],
      [[warmUp(0.5, term)], 1, 1 / 3],
      [[term], 0, 1],
    ];
    for (const [terms, iteration, factor] of cases) {
      expect(lossAt(terms, iteration, 12 / 2)).to.be.closeTo(whole * factor, 1e-5);
    }
    expect(lossAt([term], 0)).to.be.closeTo(whole, 1e-5);
    // Without the length of an epoch it is refused rather than passed over in silence.
    const fault = await faultOf(() => lossAt([warmUp(2, term)], 0));
    expect(fault).to.include({ kind: 'option', where: 'method kd' });
    parts.student.dispose();
    parts.teacher.detector.dispose();
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
          teacher: given,
        }),
      );
    expect((await refuse([kd()], undefined)).what).to.include('needs a teacher');
    const without = await refuse([normDirection()], { detector: teacher });
    expect(without.found).to.equal('0 numbers where 96 belong');
    // Those of another teacher, also where the method has no use for them.
    const others = await refuse([kd()], { detector: teacher, classMeans: new Float32Array(64) });
    expect(others.found).to.equal('64 numbers where 96 belong');
    expect((await refuse([fitNet()], { detector: teacher })).what).to.include("'fitNet'");
    const other = tinyDetector({ classes: 3 });
    expect((await refuse([kd()], { detector: other })).found).to.include('2 classes');
    other.dispose();
  });
});
