import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
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

describe('what of a transformer decays, and how fast its layers learn', () => {
  withEngine('plain');
  const names = [
    'cls_token',
    'patch_embed.proj.weight',
    'blocks.0.attn.qkv.weight',
    'blocks.1.mlp.fc1.weight',
    'norm.weight',
    'head.weight',
  ];
  const transformer = (): StateTensor[] => {
    const state = new ModelState();
    for (const name of names) {
      const value = name === 'norm.weight' ? tf.ones([1]) : tf.ones([1, 1]);
      state.add(name, value, { trainable: true, layout: 'same' });
    }
    return state.trainable;
  };
  /** One step without a gradient: w · (1 − lr · decay), lr = 0.1. */
  const shrunk = (changes: Partial<AdamWOptions>): number[] => {
    const trainable = transformer();
    adamW(trainable, { ...options, weightDecay: 1, ...changes }).step(
      trainable.map(({ value }) => tf.zerosLike(value)),
      0.1,
    );
    return trainable.map(({ value }) => value.dataSync()[0] ?? NaN);
  };

  it('decays all but tokens, positions and vectors, as timm does', () => {
    expectClose(shrunk({}), [1, 0.9, 0.9, 0.9, 1, 0.9]);
    expectClose(shrunk({ undecayed: [] }), [0.9, 0.9, 0.9, 0.9, 1, 0.9]);
  });

  it('multiplies the learning rate by the layer decay for each layer below the head', () => {
    // Two blocks: the head is layer 3, so its rate is whole, and that of patches is 0.5³ of it.
    expectClose(shrunk({ layerDecay: 0.5 }), [1, 1 - 0.0125, 1 - 0.025, 1 - 0.05, 1, 0.9]);
  });

  it('refuses a layer decay of a network without blocks', () => {
    expect(() => adamW(parameters(), { ...options, layerDecay: 0.5 })).to.throw(
      LabError,
      'needs a transformer',
    );
  });
});
