import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { crossEntropy, dist, normDirection, reviewKd } from '../../lib/distill/terms';
import { embeddingAdapter } from '../../lib/distill/adapter';
import { random } from '../../lib/engine/random';
import { createModel } from '../../lib/models/registry';
import { batchNorm1dLayer } from '../../lib/nn/layers';
import { inReplicas } from '../../lib/nn/replicas';
import { hashStateDict, ModelState, type StateDict } from '../../lib/nn/state';
import { createLearner, type LearnerOptions } from '../../lib/train/learner';
import { withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';
import { everything, images, itGivesTheSame, logitsOnly } from '../support/traced-steps';

const classes = 5;

function entry(state: StateDict, name: string): number[] {
  return [...(state.get(name)?.data ?? [])];
}

describe('a batch over several replicas', () => {
  withEngine('native');

  it('is normalised by each replica’s own mean and variance; the first alone moves the running ones', () => {
    const state = new ModelState();
    const norm = batchNorm1dLayer({ state, random: random(0) }, 'bn', 1);
    const x = tf.tensor2d([1, 3, 10, 30], [4, 1]);
    const mode = { training: true, replicas: 2 };
    const y = inReplicas(
      [x],
      mode,
      ([part], own) => norm(part, own),
      (parts) => tf.concat2d([...parts], 0),
    );
    // (1 − 2) / √(1 + 1e-5); (10 − 20) / √(100 + 1e-5).
    expectClose(y, [-0.999995, 0.999995, -0.99999995, 0.99999995], 1e-6);
    const dict = state.stateDict();
    // 0.9 · 0 + 0.1 · 2, and 0.9 · 1 + 0.1 · 2, the unbiased variance of 1 and 3.
    expectClose(entry(dict, 'bn.running_mean'), [0.2], 1e-6);
    expectClose(entry(dict, 'bn.running_var'), [1.1], 1e-6);
    expect(entry(dict, 'bn.num_batches_tracked')).to.deep.equal([1]);
    state.dispose();
  });

  it('splits as PyTorch’s chunk does, and leaves no replica a single sample', () => {
    const sizes = (batch: number, replicas: number, training = true): number[] => {
      const found: number[] = [];
      inReplicas(
        [tf.zeros([batch, 1])],
        { training, replicas },
        ([part]) => found.push(part.shape[0] ?? 0),
        () => 0,
      );
      return found;
    };
    expect(sizes(80, 2)).to.deep.equal([40, 40]);
    expect(sizes(7, 2)).to.deep.equal([4, 3]);
    expect(sizes(10, 4)).to.deep.equal([3, 3, 3, 1]);
    expect(sizes(3, 3)).to.deep.equal([2, 1]);
    expect(sizes(80, 2, false)).to.deep.equal([80]);
  });

  it('gives a network’s outputs of each part, in the batch’s order', () => {
    const model = createModel('resnet8', { classes, seed: 3 });
    const twin = createModel('resnet8', { classes, seed: 3 });
    const x = images(6, 1);
    const whole = model.forward(x, { training: true, replicas: 2 });
    const first = twin.forward(tf.slice(x, 0, 3), { training: true });
    const moved = hashStateDict(twin.stateDict());
    const second = twin.forward(tf.slice(x, 3, 3), { training: true });
    expect(numbers(whole.logits)).to.deep.equal([
      ...numbers(first.logits),
      ...numbers(second.logits),
    ]);
    expect(numbers(whole.features[2] as tf.Tensor)).to.deep.equal([
      ...numbers(first.features[2] as tf.Tensor),
      ...numbers(second.features[2] as tf.Tensor),
    ]);
    expect(hashStateDict(model.stateDict())).to.equal(moved);
    model.dispose();
    twin.dispose();
  });

  itGivesTheSame([
    ['resnet8', 32, 'float32', { ...logitsOnly, replicas: 2 }],
    ['wrn_16_1', 16, 'bfloat16', { ...everything, replicas: 2 }],
  ]);

  /** Some steps on six images or another number; the last one's terms, and all that was learnt. */
  function learnt(
    options: Partial<LearnerOptions>,
    { steps = 5, count = 6 } = {},
  ): { terms: number[]; state: StateDict } {
    const student = createModel('resnet8', { classes, seed: 3 });
    const model = createModel('wrn_16_1', { classes, seed: 4 });
    const learner = createLearner({
      student,
      teacher: { model, classMeans: new Float32Array(classes * model.embeddingSize).fill(1) },
      method: {
        name: 'test',
        terms: [crossEntropy(), normDirection({ weight: 1 }), reviewKd({ weight: 1 })],
      },
      ...options,
    });
    const labels = tf.tensor1d(
      Array.from({ length: count }, (_, at) => at % 5),
      'int32',
    );
    let terms: number[] = [];
    for (let at = 0; at < steps; at++) {
      const result = learner.step(
        { images: images(count, at + 1), labels },
        { epoch: 0, learningRate: 0.05 },
      );
      terms = [...result.terms];
    }
    const state = learner.save();
    learner.dispose();
    student.dispose();
    model.dispose();
    return { terms, state };
  }

  it('teaches the same as a function as without one, ReviewKD’s blocks included', () => {
    const [plain, traced] = [false, true].map((functions) => learnt({ replicas: 3, functions }));
    expect(traced?.terms).to.deep.equal(plain?.terms);
    expect(hashStateDict(traced?.state as StateDict)).to.equal(
      hashStateDict(plain?.state as StateDict),
    );
    expect(plain?.terms).to.not.deep.equal(learnt({}).terms);
  });

  it('is the same where each micro batch is a replica, up to rounding', () => {
    // Smaller parts magnify rounding: the second step's losses are the first's changed weights.
    const sizes = { steps: 2, count: 24 };
    const whole = learnt({ replicas: 3 }, sizes);
    const parts = learnt({ replicas: 3, microBatch: 8 }, sizes);
    expectClose(parts.terms, whole.terms, 1e-4);
    for (const name of ['student/bn1.running_mean', 'terms/2/state/0.conv1.1.running_var']) {
      expectClose(entry(parts.state, name), entry(whole.state, name), 1e-3);
    }
    expect(entry(parts.state, 'student/bn1.num_batches_tracked')).to.deep.equal([2]);
  });

  it('lets a loss over the batch see all replicas', () => {
    const [one, two] = [1, 2].map((replicas) => {
      const { terms } = learnt({
        replicas,
        method: { name: 'dist', terms: [dist()] },
        microBatch: replicas === 1 ? 3 : undefined,
      });
      return terms[0] ?? NaN;
    });
    // Of parts of three, DIST would correlate three samples and not six.
    expect(one).to.not.be.closeTo(two ?? NaN, 1e-4);
  });
});

describe('the linear layers of the released code', () => {
  withEngine('native');

  /** The root mean square of weights and biases. */
  function spread(state: StateDict, layer: string): [weight: number, bias: number] {
    const rms = (values: number[]): number =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    return [rms(entry(state, `${layer}.weight`)), rms(entry(state, `${layer}.bias`))];
  }

  it('begin at N(0, 0.01²), biases too, or with a bias of 0', () => {
    const started = (linearStart?: 'normal' | 'fan-in-weight'): [number, number] => {
      const model = createModel('resnet8', { classes: 1000, seed: 3, linearStart });
      const found = spread(model.stateDict(), 'fc');
      model.dispose();
      return found;
    };
    const [weight, bias] = started('normal');
    expect(weight).to.be.closeTo(0.01, 2e-4);
    expect(bias).to.be.closeTo(0.01, 1e-3);
    // U(±1/8) has the deviation 1 / (8 · √3) = 0.0722.
    expect(started('fan-in-weight')[0]).to.be.closeTo(0.0722, 1e-3);
    expect(started('fan-in-weight')[1]).to.equal(0);
    expect(started()[1]).to.be.closeTo(0.0722, 5e-3);
  });

  it('let an adapter from 512 to 2,048 begin with embeddings of norm 14', () => {
    const adapter = embeddingAdapter({
      studentSize: 512,
      teacherSize: 2048,
      seed: 1,
      linearStart: 'normal',
    });
    const embedding = tf.randomNormal<tf.Rank.R2>([64, 512], 0, 1, 'float32', 1);
    const adapted = adapter.forward(embedding, { training: true, random: random(1, 'dropout') });
    const [norm = NaN] = numbers(tf.mean(tf.norm(adapted, 2, 1)));
    // 2,048 sums of 512 products of deviation 0.01, half of them dropped and the others doubled: √2048 · 0.01 · √1024.
    expect(norm).to.be.closeTo(14.48, 0.4);
    adapter.state.dispose();
  });

  it('let an adapter begin with a bias of 0', () => {
    const adapter = embeddingAdapter({
      ...{ studentSize: 64, teacherSize: 128, seed: 1 },
      linearStart: 'fan-in-weight',
    });
    const [weight, bias] = spread(adapter.state.stateDict(), '2');
    // U(±1/8), as above.
    expect(weight).to.be.closeTo(0.0722, 2e-3);
    expect(bias).to.equal(0);
    adapter.state.dispose();
  });
});
