import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { storedFloat } from '../../../lib/engine/native';
import { inFloatType } from '../../../lib/engine/operations/activations';
import { convolution } from '../../../lib/engine/operations/convolution';
import { LabError } from '../../../lib/errors';
import { engines, withEngine } from '../../support/engine';
import { counting, expectClose, numbers } from '../../support/tensors';

for (const engine of engines) {
  describe(`convolution on the ${engine} engine`, () => {
    withEngine(engine);

    it('pads each side by the same number of zeros, also where a stride leaves the last one out', () => {
      // 4 × 4 counting image, 3 × 3 kernel of ones, stride 2, padding 1: windows start at row and column −1, 1.
      const x = counting<tf.Rank.R4>([1, 4, 4, 1]);
      const y = convolution(x, tf.ones([3, 3, 1, 1]), { stride: 2, padding: 1 });
      expect(y.shape).to.deep.equal([1, 2, 2, 1]);
      expectClose(y, [
        1 + 2 + 5 + 6,
        2 + 3 + 4 + 6 + 7 + 8,
        5 + 6 + 9 + 10 + 13 + 14,
        6 + 7 + 8 + 10 + 11 + 12 + 14 + 15 + 16,
      ]);
    });

    it('gives each group of outputs its own inputs', () => {
      // Two channels, two groups, a 1 × 1 kernel: the first channel × 10, the second × 100.
      const x = tf.tensor4d([1, 2, 3, 4], [1, 1, 2, 2]);
      const weights = tf.tensor4d([10, 100], [1, 1, 1, 2]);
      expectClose(convolution(x, weights, { groups: 2 }), [10, 200, 30, 400]);
    });

    it('differentiates by input and weights, stride, padding and groups included', () => {
      // y = Σ w·x over windows; with a gradient of ones, ∂/∂w counts the inputs each weight meets.
      const x = counting<tf.Rank.R4>([1, 4, 4, 1]);
      const weights = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
      const [byInput, byWeights] = tf.grads((a, b) =>
        convolution(a as tf.Tensor4D, b as tf.Tensor4D, { stride: 2, padding: 1 }),
      )([x, weights]);
      // Rows 0 and 2 lie in one window each, row 1 in both; row 3 in the second; columns alike.
      expectClose(byInput as tf.Tensor, [1, 2, 1, 1, 2, 4, 2, 2, 1, 2, 1, 1, 1, 2, 1, 1]);
      // Weight (0, 0) meets padding but for x[1][1] = 6; weight (1, 1) meets x[0][0], x[0][2], x[2][0], x[2][2].
      const found = numbers(byWeights as tf.Tensor);
      expect(found[0]).to.equal(6);
      expect(found[4]).to.equal(1 + 3 + 9 + 11);
      expect(found[8]).to.equal(6 + 8 + 14 + 16);
    });

    it('differentiates groups', () => {
      const x = tf.tensor4d([1, 2, 3, 4], [1, 1, 2, 2]);
      const weights = tf.tensor4d([10, 100], [1, 1, 1, 2]);
      const [byInput, byWeights] = tf.grads((a, b) =>
        convolution(a as tf.Tensor4D, b as tf.Tensor4D, { groups: 2 }),
      )([x, weights]);
      expectClose(byInput as tf.Tensor, [10, 100, 10, 100]);
      expectClose(byWeights as tf.Tensor, [1 + 3, 2 + 4]);
    });

    it('differentiates narrow 1 × 1 kernels with a stride by the pixels that they meet', () => {
      // A kernel of ones over 4 × 4 pixels of 2 channels, stride 2: it meets pixels 0, 2, 8 and 10.
      const x = counting<tf.Rank.R4>([1, 4, 4, 2]);
      const weights = tf.ones<tf.Rank.R4>([1, 1, 2, 3]);
      const [byInput, byWeights] = tf.grads((a, b) =>
        convolution(a as tf.Tensor4D, b as tf.Tensor4D, { stride: 2 }),
      )([x, weights]);
      const [first, second] = [1 + 5 + 17 + 21, 2 + 6 + 18 + 22] as const;
      expectClose(byWeights as tf.Tensor, [first, first, first, second, second, second]);
      const met = numbers(byInput as tf.Tensor).flatMap((value, at) => (value === 0 ? [] : [at]));
      expect(met).to.deep.equal([0, 1, 4, 5, 16, 17, 20, 21]);
    });

    it('refuses weights of another depth', () => {
      expect(() => convolution(tf.zeros([1, 2, 2, 3]), tf.zeros([1, 1, 2, 4]))).to.throw(
        LabError,
        'input [1, 2, 2, 3], weights [1, 1, 2, 4]',
      );
    });

    it('refuses images that are smaller than the kernel, as PyTorch does', () => {
      for (const [kernel, stride] of [
        [3, 2],
        [5, 1],
      ] as const) {
        const weights = tf.zeros<tf.Rank.R4>([kernel, kernel, 8, 8]);
        expect(() => convolution(tf.zeros([1, 2, 2, 8]), weights, { stride })).to.throw(
          LabError,
          `${kernel} × ${kernel} does not fit into an image with 0 zeros on each side: found input [1, 2, 2, 8]`,
        );
        // With zeros around it there is one place: (2 + 2 · 1 − 3) / 2 and (2 + 2 · 2 − 5) / 1, and 1.
        const padding = (kernel - 1) / 2;
        const { shape } = convolution(tf.zeros([1, 2, 2, 8]), weights, { stride, padding });
        expect(shape).to.deep.equal(stride === 2 ? [1, 1, 1, 8] : [1, 2, 2, 8]);
      }
      expect(() => convolution(tf.zeros([1, 2, 3, 1]), tf.zeros([3, 1, 1, 1]))).to.throw(LabError);
    });

    it('of no images gives none, of the size that others have, with gradients', () => {
      // ⌊(7 + 2 · 1 − 3) / 2⌋ + 1 = 4; by sixteen channels some kernels are this package's own.
      for (const { kernel, channels, outputs, groups, stride, side } of [
        { kernel: 3, channels: 8, outputs: 4, groups: 1, stride: 2, side: 4 },
        { kernel: 3, channels: 16, outputs: 32, groups: 1, stride: 2, side: 4 },
        { kernel: 3, channels: 16, outputs: 32, groups: 1, stride: 1, side: 7 },
        { kernel: 3, channels: 8, outputs: 6, groups: 2, stride: 2, side: 4 },
        { kernel: 1, channels: 32, outputs: 64, groups: 2, stride: 1, side: 7 },
      ]) {
        const options = { stride, padding: (kernel - 1) / 2, groups };
        const x = tf.zeros<tf.Rank.R4>([0, 7, 7, channels]);
        const weights = tf.ones<tf.Rank.R4>([kernel, kernel, channels / groups, outputs]);
        for (const type of engine === 'plain'
          ? (['float32'] as const)
          : (['float32', 'bfloat16'] as const)) {
          const compute = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
            convolution(inFloatType(a as tf.Tensor4D, type), b as tf.Tensor4D, options);
          const found = compute(x, weights);
          expect(found.shape).to.deep.equal([0, side, side, outputs]);
          expect(storedFloat(found)).to.equal(type);
          const [byInput, byWeights] = tf.grads((a, b) => inFloatType(compute(a, b), 'float32'))([
            x,
            weights,
          ]);
          expect(byInput?.shape).to.deep.equal(x.shape);
          expect(byWeights?.shape).to.deep.equal(weights.shape);
          expect(new Set(numbers(byWeights ?? x))).to.deep.equal(new Set([0]));
        }
      }
    });
  });
}
