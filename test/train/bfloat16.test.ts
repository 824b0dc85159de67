import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { evaluationBatches } from '../../lib/data/batches';
import { crossEntropy, kd, normDirection, ofd, reviewKd } from '../../lib/distill/terms';
import { type Precision, requirePrecision } from '../../lib/engine/precision';
import { createModel, type ModelName } from '../../lib/models/registry';
import type { Model } from '../../lib/nn/model';
import { hashStateDict } from '../../lib/nn/state';
import { createLearner, type LearnerOptions } from '../../lib/train/learner';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';

const dataset = smallDataset({ perClass: 6, side: 32 });
const classes = dataset.classes.length;
const kdPlusPlus = {
  name: 'kd++',
  terms: [crossEntropy(), kd({ weight: 1 }), normDirection({ weight: 2 })],
};

interface Trained {
  /** All changes of the student's weights over the steps, one after the other. */
  readonly change: Float32Array;
  readonly hash: string;
  /** Live tensors after each step. */
  readonly tensors: readonly number[];
  readonly total: number;
}

/** Some steps on a batch of real shapes, from the same first weights. */
function trained(
  precision: Precision,
  {
    steps = 1,
    pair = ['resnet20', 'resnet8'],
    method = kdPlusPlus,
    before: earlier = 0,
    samples = dataset.train.count,
    onNotice,
    without = [],
  }: {
    steps?: number;
    pair?: readonly [ModelName, ModelName];
    method?: LearnerOptions['method'];
    /** Steps in float32 that come first and do not count. */
    before?: number;
    /** Of the batch; all images unless given. */
    samples?: number;
    onNotice?: (message: string) => void;
    /** Networks that say of themselves that they lack bfloat16. */
    without?: readonly ('student' | 'teacher')[];
  } = {},
): Trained {
  const made = (who: 'student' | 'teacher', name: ModelName, seed: number): Model => {
    const network = createModel(name, { classes, seed, imageSize: 32 });
    return without.includes(who) ? { ...network, bfloat16: false } : network;
  };
  const student = made('student', pair[1], 1);
  const model = made('teacher', pair[0], 2);
  const means = Float32Array.from({ length: classes * model.embeddingSize }, (_, i) => 1 + (i % 7));
  const parts = {
    student,
    teacher: { model, classMeans: means },
    method,
    // Without decay and momentum a step is the gradient.
    optimiser: { momentum: 0, weightDecay: 0, nesterov: false },
    labels: dataset.train.labels,
    samples: dataset.train.count,
  };
  const first = createLearner(parts);
  const learner = createLearner({ ...parts, precision, onNotice });
  const [batch] = evaluationBatches(dataset, dataset.train, samples);
  if (batch === undefined) throw new Error('no batch');
  const images = tf.tensor4d(batch.images, [batch.count, 32, 32, 3]);
  const labels = tf.tensor1d(Int32Array.from(batch.labels), 'int32');
  const weights = (): Float32Array => {
    const read = student.state.trainable.map(({ value }) => value.dataSync<'float32'>());
    const all = new Float32Array(read.reduce((sum, { length }) => sum + length, 0));
    read.reduce((at, values) => (all.set(values, at), at + values.length), 0);
    return all;
  };
  try {
    for (let step = 0; step < earlier; step++) {
      first.step({ images, labels }, { epoch: 30, learningRate: 0.02 });
    }
    const before = weights();
    const tensors: number[] = [];
    let total = NaN;
    for (let step = 0; step < steps; step++) {
      ({ total } = learner.step({ images, labels }, { epoch: 30, learningRate: 0.01 }));
      tensors.push(tf.memory().numTensors);
    }
    const change = weights().map((weight, index) => weight - (before[index] ?? 0));
    return { change, hash: hashStateDict(student.stateDict()), tensors, total };
  } finally {
    [first, learner].forEach((item) => item.dispose());
    [student, model, images, labels].forEach((item) => item.dispose());
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe('training in bfloat16', () => {
  withEngine('native');

  it('has the gradient of float32 up to a cosine of 0.99', () => {
    // Right after the first weights are drawn, gradients are noise: PyTorch's differ as much.
    const exact = trained('f32', { before: 12 });
    const rounded = trained('bf16', { before: 12 });
    expect(rounded.hash).to.not.equal(exact.hash);
    expect(cosine(exact.change, rounded.change)).to.be.above(0.99);
    expect(rounded.total).to.be.closeTo(exact.total, 0.02 * exact.total);
  });

  it('gives the same bytes each time', () => {
    const options = { steps: 3, pair: ['resnet8', 'resnet8'], samples: 8 } as const;
    expect(trained('bf16', options).hash).to.equal(trained('bf16', options).hash);
  });

  it('leaves as many tensors after each step', () => {
    const { tensors } = trained('bf16', { steps: 4, pair: ['resnet8', 'resnet8'], samples: 8 });
    expect(new Set(tensors.slice(1)).size).to.equal(1);
  });

  it('gives features to losses in float32', () => {
    for (const term of [reviewKd(), ofd()]) {
      const method = { name: term.loss, terms: [crossEntropy(), term] };
      const [exact, rounded] = [trained('f32', { method }), trained('bf16', { method })];
      expect(rounded.total, term.loss).to.be.closeTo(exact.total, 0.05 * exact.total);
    }
  });

  it('leaves a network that has parts without it in float32, and says so', async () => {
    const method = { name: 'kd', terms: [kd()] };
    const pair = ['resnet20', 'resnet8'] as const;
    const notices: string[] = [];
    const onNotice = (said: string): void => void notices.push(said);
    const total = (
      precision: Precision,
      without: readonly ('student' | 'teacher')[] = [],
    ): number => trained(precision, { pair, method, samples: 2, onNotice, without }).total;
    const exact = total('f32');
    const mixed = [total('bf16'), total('bf16', ['student']), total('bf16', ['teacher'])];
    for (const one of mixed) expect(one).to.be.closeTo(exact, 0.1 * exact);
    expect(new Set([exact, ...mixed]).size).to.equal(4);
    expect(notices).to.deep.equal(
      ['resnet8', 'resnet20'].map(
        (name) => `${name} has parts without bfloat16 and computes in float32`,
      ),
    );
    const { what } = await faultOf(() => total('bf16', ['student', 'teacher']));
    expect(what).to.equal('resnet8 and resnet20 compute in float32 only');
  });

  it('multiplies patches and tokens of a vision transformer', () => {
    const [exact, rounded] = (['f32', 'bf16'] as const).map((precision) => {
      const pair = ['vit_tiny_patch16_224', 'deit_tiny_distilled_patch16_224'] as const;
      const method = { name: 'deit', terms: [crossEntropy(), kd()] };
      return trained(precision, { pair, method, samples: 4, steps: 3 });
    });
    if (!exact || !rounded) throw new Error('two precisions were trained in');
    expect(rounded.total)
      .to.be.closeTo(exact.total, 0.02 * exact.total)
      .and.not.equal(exact.total);
    expect(cosine(exact.change, rounded.change)).to.be.within(0.97, 0.99999);
    expect(new Set(rounded.tensors).size).to.equal(1);
  });

  it('is possible in the other families', () => {
    // Little: bfloat16 is slow where the processor has no instructions for it.
    const method = { name: 'kd', terms: [crossEntropy(), kd()] };
    const able = [
      'resnet8x4',
      'wrn_16_1',
      'vgg8',
      'MobileNetV2',
      'resnet18_half',
      'regnety_002',
      'ShuffleV1',
      'ShuffleV2',
    ] as const;
    for (const name of able) {
      expect(
        trained('bf16', { pair: ['resnet8', name], method, samples: 1 }).total,
        name,
      ).to.be.above(0);
    }
  });

  it('says what it costs where the processor has no instructions for it, and stops without an engine', async () => {
    const notices: string[] = [];
    const note = (message: string): void => void notices.push(message);
    requirePrecision('bf16', { gpu: false, bfloat16: 'accelerated' }, note);
    requirePrecision('f32', { gpu: false, bfloat16: 'none' }, note);
    expect(notices).to.deep.equal([]);
    requirePrecision('bf16', { gpu: false, bfloat16: 'emulated' }, note);
    expect(notices.join()).to.match(/no instructions for bfloat16.*several times as long/);
    requirePrecision('bf16', { gpu: true, bfloat16: 'unknown' }, note);
    expect(notices[1]).to.include('nvidia-smi does not name this GPU');
    const { fix } = await faultOf(() => {
      requirePrecision('bf16', { gpu: false, bfloat16: 'none' }, note);
    });
    expect(fix).to.include('--precision f32');
  });

  it('is one of three precisions, of which TF32 is for GPUs from Ampere on', async () => {
    requirePrecision('tf32', { gpu: true, bfloat16: 'accelerated' }, expect.fail);
    for (const [gpu, bfloat16, found] of [
      [false, 'accelerated', 'a CPU'],
      [true, 'emulated', 'an older one'],
      [true, 'unknown', 'a GPU that nvidia-smi does not name'],
    ] as const) {
      const fault = await faultOf(() => {
        requirePrecision('tf32', { gpu, bfloat16 }, expect.fail);
      });
      expect(fault.found).to.equal(found);
    }
  });
});
