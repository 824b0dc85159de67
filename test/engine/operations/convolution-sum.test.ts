import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { convolution, convolutionSum } from '../../../lib/engine/operations/convolution';
import { engines, withEngine } from '../../support/engine';
import { expectClose } from '../../support/tensors';

for (const engine of engines) {
  describe(`a convolution with a sum on the ${engine} engine`, () => {
    withEngine(engine);

    it('adds the residual to each output', () => {
      // One pixel of two channels, a 1 × 1 kernel: 1 · 3 + 2 · 4 and 1 · 5 + 2 · 6, then 10 and 20 more.
      const x = tf.tensor4d([1, 2], [1, 1, 1, 2]);
      const weights = tf.tensor4d([3, 5, 4, 6], [1, 1, 2, 2]);
      const sum = convolutionSum(x, weights, tf.tensor4d([10, 20], [1, 1, 1, 2]));
      expectClose(sum, [1 * 3 + 2 * 4 + 10, 1 * 5 + 2 * 6 + 20]);
    });

    it('has the gradients of a convolution and an addition, with a stride too', () => {
      for (const stride of [1, 2]) {
        const x = tf.randomNormal<tf.Rank.R4>([2, 6, 6, 4], 0, 1, 'float32', 1);
        const weights = tf.randomNormal<tf.Rank.R4>([3, 3, 4, 5], 0, 1, 'float32', 2);
        const side = 6 / stride;
        const residual = tf.randomNormal<tf.Rank.R4>([2, side, side, 5], 0, 1, 'float32', 3);
        const gradient = tf.randomNormal<tf.Rank.R4>([2, side, side, 5], 0, 1, 'float32', 4);
        const options = { stride, padding: 1 };
        const gradients = (
          sum: (a: tf.Tensor4D, b: tf.Tensor4D, c: tf.Tensor4D) => tf.Tensor4D,
        ): tf.Tensor[] =>
          tf.grads((a, b, c) => sum(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D))(
            [x, weights, residual],
            gradient,
          );
        const found = gradients((a, b, c) => convolutionSum(a, b, c, options));
        const plain = gradients((a, b, c) => tf.add(convolution(a, b, options), c));
        expect(found).to.have.length(3);
        found.forEach((tensor, index) => {
          expectClose(tensor, [...(plain[index]?.dataSync() ?? [])]);
        });
      }
    });
  });
}
