import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { ModelState } from '../../lib/nn/state';
import { sgd } from '../../lib/train/optimiser';
import { engines, withEngine } from '../support/engine';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`SGD on the ${engine} engine`, () => {
    withEngine(engine);

    /** Two parameters of different shapes: [1, 2] and [[3]]. */
    const twoParameters = (): ModelState => {
      const state = new ModelState();
      state.add('a', tf.tensor1d([1, 2]), { trainable: true, layout: 'same' });
      state.add('b', tf.tensor2d([[3]]), { trainable: true, layout: 'same' });
      return state;
    };
    const gradients = (): tf.Tensor[] => [tf.tensor1d([0.5, -1]), tf.tensor2d([[2]])];

    it('steps with Nesterov momentum and weight decay as PyTorch does', () => {
      const { trainable } = twoParameters();
      const optimiser = sgd(trainable, { momentum: 0.9, weightDecay: 0.1, nesterov: true });
      const expected = { w: [1, 2, 3], v: [0, 0, 0] };
      for (let step = 0; step < 2; step++) {
        optimiser.step(gradients(), 0.01);
        [0.5, -1, 2].forEach((raw, i) => {
          const gradient = raw + 0.1 * (expected.w[i] ?? 0);
          expected.v[i] = 0.9 * (expected.v[i] ?? 0) + gradient;
          expected.w[i] = (expected.w[i] ?? 0) - 0.01 * (gradient + 0.9 * expected.v[i]);
        });
      }
      expectClose(trainable[0]?.value as tf.Tensor, expected.w.slice(0, 2), 1e-6);
      expectClose(trainable[1]?.value as tf.Tensor, expected.w.slice(2), 1e-6);
      expectClose(Array.from(optimiser.velocity()), expected.v, 1e-6);
    });

    it('steps along the velocity without Nesterov', () => {
      const { trainable } = twoParameters();
      const optimiser = sgd(trainable, { momentum: 0.5, weightDecay: 0, nesterov: false });
      optimiser.step(gradients(), 0.1);
      optimiser.step(gradients(), 0.1);
      // v₁ = 0.5, v₂ = 0.75: w = 1 − 0.1 · 0.5 − 0.1 · 0.75.
      expect(trainable[0]?.value.dataSync()[0]).to.be.closeTo(0.875, 1e-6);
    });

    it('leaves norms undecayed where it is told to', () => {
      const state = new ModelState();
      state.add('norm', tf.tensor1d([4]), { trainable: true, layout: 'same', ofNorm: true });
      state.add('bias', tf.tensor1d([4]), { trainable: true, layout: 'same' });
      const { trainable } = state;
      const options = { momentum: 0, weightDecay: 0.5, nesterov: false };
      const step = [tf.tensor1d([1]), tf.tensor1d([1])];
      sgd(trainable, { ...options, undecayed: 'norms' }).step(step, 0.1);
      // 4 − 0.1 · 1, and 4 − 0.1 · (1 + 0.5 · 4).
      expectClose(trainable[0]?.value as tf.Tensor, [3.9], 1e-6);
      expectClose(trainable[1]?.value as tf.Tensor, [3.7], 1e-6);
      sgd(trainable, options).step(step, 0.1);
      // 3.9 − 0.1 · (1 + 0.5 · 3.9).
      expectClose(trainable[0]?.value as tf.Tensor, [3.605], 1e-6);
    });

    it('goes on from a saved velocity, and refuses one of another length', () => {
      const { trainable } = twoParameters();
      const optimiser = sgd(trainable, { momentum: 1, weightDecay: 0, nesterov: false });
      optimiser.restore(Float32Array.of(1, 1, 1));
      optimiser.step([tf.zeros([2]), tf.zeros([1, 1])], 0.5);
      expectClose(trainable[0]?.value as tf.Tensor, [0.5, 1.5]);
      expect(() => optimiser.restore(new Float32Array(2))).to.throw(LabError, '2 velocities for 3');
    });
  });
}
