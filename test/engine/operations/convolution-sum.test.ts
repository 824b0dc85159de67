import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { convolutionSum } from '../../../lib/engine/operations/convolution';
import { LabError } from '../../../lib/errors';
import { engines, withEngine } from '../../support/engine';
import { counting, expectClose, numbers } from '../../support/tensors';

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

    it('has the gradients of a convolution and an addition, with zeros around and a stride too', () => {
      for (const { stride, padding } of [
        { stride: 1, padding: 1 },
        { stride: 2, padding: 0 },
        { stride: 2, padding: 1 },
      ]) {
        const side = (5 + 2 * padding - 3) / stride + 1;
        const x = counting<tf.Rank.R4>([1, 5, 5, 1]);
        const weights = counting<tf.Rank.R4>([3, 3, 1, 1]);
        const gradient = counting<tf.Rank.R4>([1, side, side, 1]);
        const byInput = Array<number>(25).fill(0);
        const byWeights = Array<number>(9).fill(0);
        // y[r, c] = Σ x[r · stride + i − padding, c · stride + j − padding] · w[i, j] + residual[r, c]
        places(side).forEach(([r, c], to) => {
          places(3).forEach(([i, j], weight) => {
            const [row, column] = [r * stride + i - padding, c * stride + j - padding];
            if (row < 0 || row > 4 || column < 0 || column > 4) return;
            const from = row * 5 + column;
            byInput[from] = (byInput[from] ?? NaN) + (to + 1) * (weight + 1);
            byWeights[weight] = (byWeights[weight] ?? NaN) + (to + 1) * (from + 1);
          });
        });
        const found = tf.grads((a, b, c) =>
          convolutionSum(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D, { stride, padding }),
        )([x, weights, tf.zeros([1, side, side, 1])], gradient);
        expect(found.map(numbers)).to.deep.equal([byInput, byWeights, numbers(gradient)]);
      }
    });

    it('refuses a residual of another shape than the output, also where it could be stretched', () => {
      for (const channels of [2, 16]) {
        const x = tf.zeros<tf.Rank.R4>([1, 4, 4, channels]);
        const weights = tf.zeros<tf.Rank.R4>([3, 3, channels, channels]);
        for (const [height, width] of [
          [1, 1],
          [2, 8],
          [4, 3],
        ] as const) {
          const residual = tf.zeros<tf.Rank.R4>([1, height, width, channels]);
          expect(() => convolutionSum(x, weights, residual, { padding: 1 })).to.throw(
            LabError,
            `residual [1, ${height}, ${width}, ${channels}], output [1, 4, 4, ${channels}]`,
          );
        }
      }
    });

    it('of no images gives none', () => {
      const [x, weights] = [tf.zeros<tf.Rank.R4>([0, 5, 5, 2]), tf.ones<tf.Rank.R4>([3, 3, 2, 3])];
      const sum = convolutionSum(x, weights, tf.zeros([0, 2, 2, 3]), { stride: 2 });
      expect(sum.shape).to.deep.equal([0, 2, 2, 3]);
    });
  });
}

/** Rows and columns of a square, in the order of its numbers. */
function places(side: number): [number, number][] {
  return Array.from({ length: side * side }, (_, at) => [Math.floor(at / side), at % side]);
}
