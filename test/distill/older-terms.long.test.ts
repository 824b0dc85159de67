import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { crd, crossEntropy, fitNet, type LossTerm, ofd, pkt, rkd } from '../../lib/distill/terms';
import { random } from '../../lib/engine/random';
import { LabError } from '../../lib/errors';
import { createModel, modelName } from '../../lib/models/registry';
import type { Model } from '../../lib/nn/model';
import { hashStateDict } from '../../lib/nn/state';
import { createLearner, type Learner, type StepResult } from '../../lib/train/learner';
import { withEngine } from '../support/engine';
import { numbers } from '../support/tensors';

const classes = 3;
const samples = 12;
const batch = 4;
const labels = Int32Array.from({ length: samples }, (_, sample) => sample % classes);

const methods: Readonly<Record<string, LossTerm>> = {
  fitnet: fitNet({ weight: 100 }),
  rkd: rkd(),
  pkt: pkt({ weight: 30000 }),
  ofd: ofd({ weight: 0.001 }),
  crd: crd({ weight: 0.8 }),
};

/** Pairs like the table's, and the methods that are tried on them. */
const pairs: readonly (readonly [teacher: string, student: string, tried: readonly string[]])[] = [
  ['resnet20', 'resnet8', Object.keys(methods)],
  ['wrn_16_2', 'wrn_16_1', Object.keys(methods)],
  // The shapes of resnet32x4; the embeddings' other sizes are tried above already.
  ['resnet8x4', 'ShuffleV1', ['fitnet', 'ofd', 'crd']],
];

function learnerOf(student: Model, teacher: Model, term: LossTerm, seed = 1): Learner {
  return createLearner({
    student,
    teacher: { model: teacher },
    method: { name: term.loss, terms: [crossEntropy(), term] },
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: false },
    seed,
    samples,
    labels,
  });
}

/** One step on the `index`-th batch of noise, which follows from the index alone. */
function step(learner: Learner, index: number): StepResult {
  const draw = random(7, 'images', index);
  const pixels = Float32Array.from({ length: batch * 32 * 32 * 3 }, () => draw.normal());
  const indices = Int32Array.from({ length: batch }, (_, i) => (index * batch + i) % samples);
  const images = tf.tensor4d(pixels, [batch, 32, 32, 3]);
  const classOf = tf.tensor1d(
    indices.map((sample) => labels[sample] ?? 0),
    'int32',
  );
  try {
    return learner.step({ images, labels: classOf, indices }, { epoch: 0, learningRate: 0.01 });
  } finally {
    tf.dispose([images, classOf]);
  }
}

/** Everything that a learner's steps change. */
function stateOf({ student, objective }: Learner): string[] {
  return [hashStateDict(student.stateDict()), hashStateDict(objective.save())];
}

describe('the terms of FitNet, RKD, PKT, OFD and CRD', () => {
  withEngine('native');

  for (const [teacherName, studentName, tried] of pairs) {
    describe(`${teacherName} → ${studentName}`, () => {
      let teacher: Model;
      before(() => {
        teacher = createModel(modelName(teacherName), { classes, seed: 3 });
      });
      after(() => teacher.dispose());

      for (const [method, term] of Object.entries(methods)) {
        if (!tried.includes(method)) continue;
        it(`${method} trains all it has, and frees what it does not keep`, function () {
          this.timeout(20_000);
          const untouched = hashStateDict(teacher.stateDict());
          const student = createModel(modelName(studentName), { classes, seed: 1 });
          const learner = learnerOf(student, teacher, term);
          const first = new Map(learner.objective.save());
          const counts: number[] = [];
          for (let index = 0; index < 2; index++) {
            const { total, terms } = step(learner, index);
            expect(Number.isFinite(total)).to.equal(true);
            expect(terms[1]).to.be.greaterThan(0);
            counts.push(tf.memory().numTensors);
          }
          expect(counts[1]).to.equal(counts[0]);
          for (const [name, { data }] of learner.objective.save()) {
            const moved = first.get(name)?.data.some((value, i) => value !== data[i]);
            expect(moved, name).to.equal(true);
          }
          expect(hashStateDict(teacher.stateDict())).to.equal(untouched);
          learner.dispose();
          student.dispose();
        });
      }
    });
  }

  describe('resnet20 → resnet8 again', () => {
    let teacher: Model;
    before(() => {
      teacher = createModel('resnet20', { classes, seed: 3 });
    });
    after(() => teacher.dispose());

    const started = (term: LossTerm, seed?: number): Learner =>
      learnerOf(createModel('resnet8', { classes, seed: 1 }), teacher, term, seed);
    const free = (...learners: Learner[]): void => {
      for (const learner of learners) {
        learner.dispose();
        learner.student.dispose();
      }
    };

    for (const [method, term] of Object.entries(methods)) {
      it(`${method} repeats itself by seed, and goes on from what it saved`, () => {
        const [unbroken, again, broken] = [started(term), started(term), started(term)];
        for (let index = 0; index < 3; index++) {
          step(unbroken, index);
          step(again, index);
        }
        expect(stateOf(again)).to.deep.equal(stateOf(unbroken));
        step(broken, 0);
        // A learner of another seed, so that nothing of it may stay.
        const resumed = learnerOf(createModel('resnet8', { classes, seed: 5 }), teacher, term, 1);
        step(resumed, 2);
        resumed.student.loadStateDict(broken.student.stateDict());
        resumed.optimiser.restore(broken.optimiser.save());
        resumed.objective.restore(broken.objective.save(), 'here');
        step(resumed, 1);
        step(resumed, 2);
        expect(stateOf(resumed)).to.deep.equal(stateOf(unbroken));
        free(unbroken, again, broken, resumed);
      });
    }

    it('CRD draws other first weights and negatives with another seed', () => {
      const [one, other] = [started(crd(), 1), started(crd(), 2)];
      expect(step(one, 0).terms[1]).to.not.equal(step(other, 0).terms[1]);
      free(one, other);
    });

    it('CRD keeps the Z of its first batch, and what it last saw of each sample', () => {
      const learner = started(crd({ negatives: 2, size: 4 }));
      const memoryOf = (): Float32Array =>
        learner.objective.save().get('1/state/contrast.memory_v1')?.data ?? new Float32Array(0);
      const progressOf = (): number[] => [
        ...(learner.objective.save().get('1/memory/progress')?.data ?? []),
      ];
      const before = memoryOf();
      expect(progressOf()).to.deep.equal([0, 0, 0]);
      step(learner, 0);
      const [steps, own, others] = progressOf();
      expect(steps).to.equal(1);
      expect(own).to.be.greaterThan(0);
      const after = memoryOf();
      // Samples 0 to 3 were seen: their rows have length 1 now; the others are as they were.
      for (let sample = 0; sample < samples; sample++) {
        const row = [...after.subarray(4 * sample, 4 * sample + 4)];
        if (sample < batch) expect(Math.hypot(...row)).to.be.closeTo(1, 1e-6);
        else expect(row).to.deep.equal([...before.subarray(4 * sample, 4 * sample + 4)]);
      }
      step(learner, 1);
      expect(progressOf()).to.deep.equal([2, own, others]);
      free(learner);
    });

    it('CRD needs labels and places, and says so', () => {
      const student = createModel('resnet8', { classes, seed: 1 });
      const options = {
        student,
        teacher: { model: teacher },
        method: { name: 'crd', terms: [crd()] },
      };
      expect(() => createLearner({ ...options, samples })).to.throw(LabError, 'labels');
      const learner = createLearner({ ...options, samples, labels });
      const images: tf.Tensor4D = tf.zeros([1, 32, 32, 3]);
      const zero = tf.tensor1d([0], 'int32');
      expect(() => learner.step({ images, labels: zero }, { epoch: 0, learningRate: 0 })).to.throw(
        LabError,
        'place',
      );
      free(learner);
    });

    it('FitNet takes the feature that it is told to', () => {
      const learner = started(fitNet({ hintLayer: 3 }));
      expect(learner.objective.save().get('0/state/conv.weight')).to.equal(undefined);
      expect(learner.objective.save().get('1/state/conv.weight')?.shape).to.deep.equal([
        64, 64, 1, 1,
      ]);
      free(learner);
      expect(() => started(fitNet({ hintLayer: 4 }))).to.throw(LabError, '0 to 3');
    });
  });

  it('OFD refuses a teacher without batch norms before its ReLUs', () => {
    const teacher = createModel('ShuffleV2', { classes });
    const student = createModel('resnet8', { classes });
    expect(() => learnerOf(student, teacher, ofd())).to.throw(LabError, 'ShuffleV2');
    teacher.dispose();
    student.dispose();
  });
});

describe('batch norms before the ReLUs', () => {
  withEngine('native');

  for (const name of ['resnet8', 'wrn_16_1', 'vgg8', 'ResNet50', 'MobileNetV2'] as const) {
    it(`${name} names one for each stage, of the stage's channels`, () => {
      const model = createModel(name, { classes });
      const { preActivations } = model.forward(tf.zeros([1, 32, 32, 3]), { training: false });
      const channels = model.preActivationNorms?.map(
        (norm) => model.state.tensor(`${norm}.weight`).value.size,
      );
      expect(channels).to.deep.equal(preActivations.slice(1).map(({ shape }) => shape[3]));
      preActivations.forEach((feature) => feature.dispose());
      model.dispose();
    });
  }

  it('take the batch’s statistics where they are told to, and keep their own', () => {
    const model = createModel('wrn_16_1', { classes, seed: 1 });
    const before = hashStateDict(model.stateDict());
    const draw = random(3);
    const pixels = Float32Array.from({ length: 4 * 16 * 16 * 3 }, () => 5 + draw.normal());
    tf.tidy(() => {
      const images = tf.tensor4d(pixels, [4, 16, 16, 3]);
      const means = (mode: { training: boolean; batchStatistics?: boolean }): number[] =>
        model
          .forward(images, mode)
          .preActivations.slice(1)
          .flatMap((feature) => numbers(tf.mean(feature, [0, 1, 2])));
      // Their shifts are 0, so the batch's own mean is taken away; the running one, 0, is not.
      for (const mean of means({ training: false, batchStatistics: true })) {
        expect(mean).to.be.closeTo(0, 1e-5);
      }
      expect(Math.max(...means({ training: false }).map(Math.abs))).to.be.greaterThan(0.1);
    });
    expect(hashStateDict(model.stateDict())).to.equal(before);
    model.dispose();
  });
});
