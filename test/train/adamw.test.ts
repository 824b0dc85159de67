import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { random } from '../../lib/engine/random';
import { LabError } from '../../lib/errors';
import { ModelState, type StateTensor } from '../../lib/nn/state';
import { adamW, type AdamWOptions, createOptimiser } from '../../lib/train/optimiser';
import { engines, withEngine } from '../support/engine';
import { expectClose } from '../support/tensors';

const options: AdamWOptions = { kind: 'adamw', betas: [0.9, 0.95], weightDecay: 0.3 };

/** A matrix, which decays, and a bias, which does not. */
function parameters(): StateTensor[] {
  const state = new ModelState();
  const kind = { trainable: true, layout: 'same' } as const;
  state.add('layer.weight', tf.tensor2d([1, -2, 0.5, 3], [2, 2]), kind);
  state.add('layer.bias', tf.tensor1d([1, -1]), kind);
  return state.trainable;
}

/** Of three steps: the matrix's and the bias's. */
const gradients = [
  { weight: [0.5, -1, 2, 0], bias: [0.1, -0.2] },
  { weight: [-0.25, 0.5, 1, 0.1], bias: [0.3, 0.4] },
  { weight: [0.1, 0.2, -3, 0.3], bias: [-0.5, 0] },
].map(({ weight, bias }) => (): tf.Tensor[] => [tf.tensor2d(weight, [2, 2]), tf.tensor1d(bias)]);

// torch.optim.AdamW of PyTorch 2.9.1 after these three steps, lr 0.01, betas (0.9, 0.95), the matrix in
// a group with weight_decay 0.3 and the bias in one without.
const expected = [
  [0.9751982688903809, -1.9685202836990356, 0.4770210385322571, 2.958047866821289],
  [0.982495129108429, -0.9964789748191833],
] as const;

for (const engine of engines) {
  describe(`AdamW on the ${engine} engine`, () => {
    withEngine(engine);

    it('steps as PyTorch’s does, and a bias does not decay', () => {
      const trainable = parameters();
      const optimiser = adamW(trainable, options);
      gradients.forEach((of) => tf.tidy(() => optimiser.step(of(), 0.01)));
      trainable.forEach(({ value }, at) => expectClose(value, expected[at] ?? [], 2e-6));
    });

    it('goes on from what it saved, to the bit, and refuses another optimiser’s state', () => {
      const whole = parameters();
      const unbroken = adamW(whole, options);
      gradients.forEach((of) => unbroken.step(of(), 0.01));
      const first = parameters();
      const before = createOptimiser(first, options);
      gradients.slice(0, 2).forEach((of) => before.step(of(), 0.01));
      const after = createOptimiser(first, options);
      after.restore(before.save());
      after.step(gradients[2]?.() ?? [], 0.01);
      first.forEach(({ value }, at) =>
        expect(value.dataSync()).to.deep.equal(whole[at]?.value.dataSync()),
      );
      const sgd = createOptimiser(parameters(), { momentum: 0, weightDecay: 0, nesterov: false });
      expect(() => after.restore(sgd.save())).to.throw(LabError, 'state of another optimiser');
    });

    it('keeps the number of tensors', () => {
      const trainable = parameters();
      const optimiser = adamW(trainable, options);
      const { numTensors } = tf.memory();
      tf.tidy(() => optimiser.step(gradients[0]?.() ?? [], 0.01));
      expect(tf.memory().numTensors).to.equal(numTensors);
      optimiser.dispose();
      expect(tf.memory().numTensors).to.equal(numTensors - 4);
    });
  });
}

describe('AdamW of many numbers', () => {
  withEngine('native');

  it('steps each as its definition has it', () => {
    // More than two parts of the work, the last of them not whole, and of no length that vectors have.
    const size = 70_001;
    const source = random(1, 'adamw');
    const drawn = (): number[] => Array.from({ length: size }, () => Math.fround(source.normal()));
    const start = drawn();
    const state = new ModelState();
    state.add('layer.weight', tf.tensor2d(start, [size, 1]), { trainable: true, layout: 'same' });
    const optimiser = adamW(state.trainable, { ...options, epsilon: 1e-3 });
    const expected = start.map((w) => ({ w, m: 0, v: 0 }));
    for (let step = 1; step <= 3; step++) {
      const gradient = drawn();
      tf.tidy(() => optimiser.step([tf.tensor2d(gradient, [size, 1])], 0.01));
      expected.forEach((number, at) => {
        const g = gradient[at] ?? NaN;
        number.m = 0.9 * number.m + 0.1 * g;
        number.v = 0.95 * number.v + 0.05 * g ** 2;
        const mean = number.m / (1 - 0.9 ** step);
        const root = Math.sqrt(number.v / (1 - 0.95 ** step));
        number.w = number.w * (1 - 0.01 * 0.3) - (0.01 * mean) / (root + 1e-3);
      });
    }
    expectClose(
      state.trainable[0]?.value ?? tf.zeros([1]),
      expected.map(({ w }) => w),
      2e-6,
    );
    optimiser.dispose();
    state.dispose();
  });
});

describe('what of a transformer decays, and how fast its layers learn', () => {
  withEngine('plain');
  // A name, the rank, whether it decays, and the layer of twelve blocks: 0 below them, 13 above.
  const parts: [name: string, rank: 1 | 2, decays: boolean, layer: number][] = [
    ['cls_token', 2, false, 0],
    ['dist_token', 2, false, 0],
    ['pos_embed', 2, false, 0],
    ['patch_embed.proj.weight', 2, true, 0],
    ['patch_embed.proj.bias', 1, false, 0],
    ['blocks.0.attn.qkv.weight', 2, true, 1],
    ['blocks.1.norm1.weight', 1, false, 2],
    ['blocks.1.attn.table.bias', 2, false, 2],
    ['blocks.11.mlp.fc1.weight', 2, true, 12],
    ['norm.weight', 1, false, 13],
    ['head.weight', 2, true, 13],
    ['head_dist.weight', 2, true, 13],
  ];
  const transformer = (first: number): StateTensor[] => {
    const state = new ModelState();
    for (const [name, rank] of parts) {
      const value = tf.fill(rank === 1 ? [1] : [1, 1], first);
      state.add(name, value, { trainable: true, layout: 'same' });
    }
    return state.trainable;
  };
  /** Weights after one step of rate 0.5 from `first` with this gradient. */
  const stepped = (
    { first, gradient }: { first: number; gradient: number },
    changes: Partial<AdamWOptions>,
  ): number[] => {
    const trainable = transformer(first);
    adamW(trainable, { ...options, ...changes }).step(
      trainable.map(({ value }) => tf.fill(value.shape, gradient)),
      0.5,
    );
    return trainable.map(({ value }) => value.dataSync()[0] ?? NaN);
  };

  it('decays all but tokens, positions, vectors and biases, as timm does', () => {
    const shrunk = { first: 1, gradient: 0 };
    // w · (1 − 0.5 · 0.2)
    expectClose(
      stepped(shrunk, { weightDecay: 0.2 }),
      parts.map(([, , decays]) => (decays ? 0.9 : 1)),
    );
    const named = stepped(shrunk, { weightDecay: 0.2, undecayed: ['head.weight'] });
    const [token, , , , , , , , , , head] = named;
    expectClose([token ?? NaN, head ?? NaN], [0.9, 1]);
  });

  it('multiplies the learning rate by the layer decay for each layer below the head', () => {
    // The first step of AdamW is the rate, whatever the gradient: 0.5 · 0.5^(13 − layer).
    expectClose(
      stepped({ first: 0, gradient: 3 }, { layerDecay: 0.5, weightDecay: 0 }),
      parts.map(([, , , layer]) => -(0.5 ** (14 - layer))),
      1e-7,
    );
    // The decay of a weight goes by its layer's rate too: of layer 1 and of the head.
    const [, , , , , block, , , , , head] = stepped(
      { first: 1, gradient: 0 },
      { layerDecay: 0.9, weightDecay: 0.2 },
    );
    expectClose([block ?? NaN, head ?? NaN], [1 - 0.1 * 0.9 ** 12, 0.9], 1e-6);
  });

  it('adds epsilon to the root of the squares’ mean, 1e-8 unless given', () => {
    const moved = (changes: Partial<AdamWOptions>): number =>
      stepped({ first: 0, gradient: 1e-8 }, changes)[0] ?? NaN;
    // 0.5 · 1e-8 / (1e-8 + ε)
    expectClose([moved({}), moved({ epsilon: 3e-8 })], [-0.25, -0.125], 1e-4);
  });

  it('refuses a layer decay of a network without blocks', () => {
    expect(() => adamW(parameters(), { ...options, layerDecay: 0.5 })).to.throw(
      LabError,
      'needs a transformer',
    );
  });
});
