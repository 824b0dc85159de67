import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  dropout,
  inFloatType,
  relu,
  relu6,
  scaled,
} from '../../../lib/engine/operations/activations';
import { linear } from '../../../lib/engine/operations/linear';
import { averagePool, globalAveragePool, maxPool } from '../../../lib/engine/operations/pooling';
import { random } from '../../../lib/engine/random';
import { LabError } from '../../../lib/errors';
import { engines, withEngine } from '../../support/engine';
import { counting, expectClose, numbers } from '../../support/tensors';

for (const engine of engines) {
  describe(`pooling, ReLU, linear and dropout on the ${engine} engine`, () => {
    withEngine(engine);

    it('counts padded cells in an average', () => {
      // A 3 × 3 window around the corner of a 2 × 2 image of ones sees 4 ones among 9 cells.
      const y = averagePool(tf.ones([1, 2, 2, 1]), { kernel: 3, stride: 1, padding: 1 });
      expectClose(y, [4 / 9, 4 / 9, 4 / 9, 4 / 9]);
    });

    it('never lets a padded cell win a maximum', () => {
      const y = maxPool(tf.fill([1, 2, 2, 1], -5), { kernel: 3, stride: 2, padding: 1 });
      expectClose(y, [-5]);
    });

    it('refuses images that are smaller than a window', () => {
      for (const pool of [averagePool, maxPool]) {
        expect(() => pool(tf.zeros([1, 3, 3, 3]), { kernel: 4 })).to.throw(
          LabError,
          '4 × 4 does not fit into an image with 0 zeros on each side: found input [1, 3, 3, 3]',
        );
        const padded = pool(tf.zeros([1, 3, 3, 3]), { kernel: 4, padding: 1 });
        expect(padded.shape).to.deep.equal([1, 1, 1, 3]);
        expect(pool(tf.zeros([0, 5, 5, 3]), { kernel: 2 }).shape).to.deep.equal([0, 2, 2, 3]);
      }
    });

    it('takes the largest of each window, and gives its gradient to the first of those', () => {
      // Two images of 3 × 4 whose channels differ by a shift, in windows of 3 × 3 that overlap and leave the image.
      const rows = [5, 1, 5, 0, 2, 7, 3, 9, -1, 4, 8, 9];
      const channels = 19;
      const shifted = (values: readonly number[], by: number): number[] =>
        values.flatMap((value) => Array.from({ length: channels }, (_, at) => value - by * at));
      const x = tf.tensor4d([...shifted(rows, 3), ...shifted(rows, 3)], [2, 3, 4, channels]);
      const y = [7, 9, 7, 9];
      const dx = [0, 0, 0, 0, 0, 1 + 4, 0, 2 + 8, 0, 0, 0, 0];
      for (const type of engine === 'plain'
        ? (['float32'] as const)
        : (['float32', 'bfloat16'] as const)) {
        const pooled = (a: tf.Tensor): tf.Tensor =>
          maxPool(a as tf.Tensor4D, { kernel: 3, stride: 2, padding: 1 });
        const given = inFloatType(x, type);
        expect(numbers(inFloatType(pooled(given), 'float32'))).to.deep.equal([
          ...shifted(y, 3),
          ...shifted(y, 3),
        ]);
        const gradient = inFloatType(
          tf.tensor4d(
            [1, 2, 4, 8, 2, 4, 8, 16].flatMap((value) => Array<number>(channels).fill(value)),
            [2, 2, 2, channels],
          ),
          type,
        );
        const found = inFloatType(tf.grad(pooled)(given, gradient), 'float32');
        expect(numbers(found)).to.deep.equal([
          ...shifted(dx, 0),
          ...shifted(
            dx.map((value) => 2 * value),
            0,
          ),
        ]);
      }
    });

    it('lets what is no number win a maximum', function () {
      // TensorFlow's own pooling passes over it.
      if (engine === 'plain') return this.skip();
      const y = maxPool(tf.tensor4d([1, NaN, 3, 4], [1, 2, 2, 1]), { kernel: 2 });
      expect(numbers(y)).to.deep.equal([NaN]);
    });

    it('averages over the whole image and spreads the gradient', () => {
      const x = counting<tf.Rank.R4>([1, 2, 2, 2]);
      expectClose(globalAveragePool(x), [(1 + 3 + 5 + 7) / 4, (2 + 4 + 6 + 8) / 4]);
      const gradient = tf.grad((a) => tf.mul(globalAveragePool(a as tf.Tensor4D), [[4, 8]]))(x);
      expectClose(gradient, [1, 2, 1, 2, 1, 2, 1, 2]);
    });

    it('has no gradient of ReLU at zero', () => {
      const x = tf.tensor1d([-1, 0, 2]);
      expectClose(relu(x), [0, 0, 2]);
      expectClose(tf.grad((a) => relu(a))(x), [0, 0, 1]);
    });

    it('has no gradient of ReLU6 at either end', () => {
      const x = tf.tensor1d([-1, 0, 2, 6, 7]);
      expectClose(relu6(x), [0, 0, 2, 6, 6]);
      const gradient = tf.grad((a) => relu6(a))(x, tf.tensor1d([1, 2, 3, 4, 5]));
      expectClose(gradient, [0, 0, 3, 0, 0]);
    });

    it('multiplies by transposed weights and adds the bias, with all three gradients', () => {
      const inputs = [tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([3, 4, 5, 6, 7, 8], [3, 2])];
      const bias = tf.tensor1d([10, 20, 30]);
      const compute = (...[x, weights, b]: tf.Tensor[]): tf.Tensor =>
        linear(x as tf.Tensor2D, weights as tf.Tensor2D, b as tf.Tensor1D);
      expectClose(compute(...inputs, bias), [
        ...[1 * 3 + 2 * 4 + 10, 1 * 5 + 2 * 6 + 20, 1 * 7 + 2 * 8 + 30],
      ]);
      const gradient = tf.tensor2d([1, 10, 100], [1, 3]);
      const [dx, dw, db] = tf
        .grads(compute)([...inputs, bias], gradient)
        .map(numbers);
      expect(dx).to.deep.equal([3 + 50 + 700, 4 + 60 + 800]);
      expect(dw).to.deep.equal([1, 2, 10, 20, 100, 200]);
      expect(db).to.deep.equal([1, 10, 100]);
      // A detector's image without any box.
      const none = compute(tf.zeros([0, 2]), inputs[1] ?? bias, bias);
      expect(none.shape).to.deep.equal([0, 3]);
      expect(numbers(none)).to.deep.equal([]);
    });

    it('multiplies what is bfloat16 in that type, with the gradient of the bias summed up in float32', function () {
      // The plain engine knows no such numbers.
      if (engine === 'plain') return this.skip();
      // bfloat16 holds whole numbers to 256: 257 is 256 there, 259 is 260.
      const inputs = [tf.tensor2d([1, 257], [1, 2]), tf.tensor2d([3, 1, 259, 1], [2, 2])];
      const bias = tf.tensor1d([-200, -300]);
      const compute = (...[x, weights, b]: tf.Tensor[]): tf.Tensor =>
        inFloatType(
          linear(
            inFloatType(x as tf.Tensor2D, 'bfloat16'),
            weights as tf.Tensor2D,
            b as tf.Tensor1D,
          ),
          'float32',
        );
      expectClose(compute(...inputs, bias), [3 + 256 - 200, 260 + 256 - 300]);
      const [dx, dw, db] = tf
        .grads(compute)([...inputs, bias], tf.tensor2d([1, 257], [1, 2]))
        .map(numbers);
      // 3 + 256 · 260 = 66,563 is 66,560 there, and 1 + 256 is 256.
      expect(dx).to.deep.equal([66560, 256]);
      expect(dw).to.deep.equal([1, 256, 256, 65536]);
      expect(db).to.deep.equal([1, 256]);
      // 256 + 1 would be 256 there.
      const many = [tf.ones([257, 2]), inputs[1] ?? bias, bias];
      expect(numbers(tf.grads(compute)(many)[2] ?? bias)).to.deep.equal([257, 257]);
    });

    it('multiplies by factors along some axes, with both gradients, in either type', () => {
      // Whole numbers that bfloat16 holds, but for 257, which is 256 there.
      const x = tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
      const factors = tf.tensor3d([10, 100, 257, 3], [2, 1, 2]);
      const gradient = tf.tensor3d([1, 2, 4, 8, 1, 2, 4, 8], [2, 2, 2]);
      for (const type of ['float32', 'bfloat16'] as const) {
        // The plain engine knows no such numbers.
        if (engine === 'plain' && type === 'bfloat16') continue;
        const large = type === 'float32' ? 257 : 256;
        const compute = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
          inFloatType(scaled(inFloatType(a, type), b), 'float32');
        expectClose(compute(x, factors), [10, 200, 30, 400, 5 * large, 18, 7 * large, 24]);
        const [dx, df] = tf.grads(compute)([x, factors], gradient).map(numbers);
        expect(dx, type).to.deep.equal([10, 200, 40, 800, large, 6, 4 * large, 24]);
        expect(df, type).to.deep.equal([1 + 12, 4 + 32, 5 + 28, 12 + 64]);
      }
    });

    it('drops about half, scales the rest, and draws the same mask from the same seed', () => {
      const x = tf.ones<tf.Rank.R1>([1000]);
      const first = numbers(dropout(x, 0.5, random(1, 'mask')));
      expect(new Set(first)).to.deep.equal(new Set([0, 2]));
      expect(first.filter((value) => value === 0).length).to.be.within(430, 570);
      expect(numbers(dropout(x, 0.5, random(1, 'mask')))).to.deep.equal(first);
      expect(numbers(dropout(x, 0.5, random(2, 'mask')))).to.not.deep.equal(first);
    });
  });
}
