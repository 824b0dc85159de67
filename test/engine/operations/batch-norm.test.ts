import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { batchNormEvaluation, batchNormTraining } from '../../../lib/engine/operations/batch-norm';
import { engines, withEngine } from '../../support/engine';
import { expectClose, numbers } from '../../support/tensors';

type Shape = [number, number, number, number];

for (const engine of engines) {
  describe(`batch norm on the ${engine} engine`, () => {
    withEngine(engine);

    it('normalises by the batch and moves the running statistics by 0.1, with the unbiased variance', () => {
      // One channel with 1, 2, 3, 6: mean 3, biased variance 3.5, unbiased 14/3.
      const x = tf.tensor4d([1, 2, 3, 6], [4, 1, 1, 1]);
      const weights = { scale: tf.tensor1d([2]), shift: tf.tensor1d([1]) };
      const running = { mean: tf.tensor1d([10]), variance: tf.tensor1d([20]) };
      const result = batchNormTraining(x, weights, running);
      const deviation = Math.sqrt(3.5 + 1e-5);
      expectClose(
        result.output,
        [1, 2, 3, 6].map((value) => (2 * (value - 3)) / deviation + 1),
      );
      expectClose(result.running.mean, [0.9 * 10 + 0.1 * 3]);
      expectClose(result.running.variance, [0.9 * 20 + (0.1 * 14) / 3]);
    });

    it('differentiates through the statistics of the batch', () => {
      // With x̂ = (x − m)/s: ∂L/∂x = γ/s · (g − mean(g) − x̂ · mean(g · x̂)).
      const values = [1, 2, 3, 6];
      const gradient = [1, 0, 0, 0];
      const deviation = Math.sqrt(3.5 + 1e-5);
      const hat = values.map((value) => (value - 3) / deviation);
      const meanProduct = (hat[0] ?? 0) / 4;
      const running = { mean: tf.zeros<tf.Rank.R1>([1]), variance: tf.ones<tf.Rank.R1>([1]) };
      const [byInput, byScale, byShift] = tf.grads((x, scale, shift) => {
        const { output } = batchNormTraining(
          x as tf.Tensor4D,
          { scale: scale as tf.Tensor1D, shift: shift as tf.Tensor1D },
          running,
        );
        return tf.mul(output, tf.tensor4d(gradient, [4, 1, 1, 1]));
      })([tf.tensor4d(values, [4, 1, 1, 1]), tf.tensor1d([2]), tf.tensor1d([0])]);
      expectClose(
        byInput as tf.Tensor,
        hat.map((x, i) => (2 / deviation) * ((gradient[i] ?? 0) - 0.25 - x * meanProduct)),
      );
      expectClose(byScale as tf.Tensor, [hat[0] ?? 0]);
      expectClose(byShift as tf.Tensor, [1]);
    });

    it('hands what is no number on through ReLU', () => {
      // Two channels of four pixels; the first has one that is none, of either sign.
      const weights = { scale: tf.ones<tf.Rank.R1>([2]), shift: tf.zeros<tf.Rank.R1>([2]) };
      const running = { mean: tf.zeros<tf.Rank.R1>([2]), variance: tf.ones<tf.Rank.R1>([2]) };
      for (const faulty of [NaN, Infinity - Infinity]) {
        const x = tf.tensor4d([1, -1, faulty, 1, 2, -1, 3, 1], [4, 1, 1, 2]);
        const training = batchNormTraining(x, weights, running, { relu: true });
        const ofBatch = numbers(training.output);
        expect(ofBatch.filter((_, at) => at % 2 === 0)).to.satisfy((of: number[]) =>
          of.every(Number.isNaN),
        );
        expectClose(
          ofBatch.filter((_, at) => at % 2 === 1),
          [0, 1, 0, 1],
          1e-4,
        );
        const evaluated = numbers(batchNormEvaluation(x, weights, running, { relu: true }));
        expect(evaluated[2]).to.be.NaN;
        const rest = evaluated.filter((_, at) => at !== 2);
        expectClose(rest, [1, 0, 1, 2, 0, 3, 1], 1e-4);
      }
    });

    it('adds a residual before ReLU, and gives it the gradient that ReLU lets through', () => {
      // 1, 2, 3, 6 again: 2 · x̂ is −2.1, −1.1, 0 and 3.2, so that the second and the fourth sum are above 0.
      const deviation = Math.sqrt(3.5 + 1e-5);
      const hat = [1, 2, 3, 6].map((value) => (value - 3) / deviation);
      const residual = [0, 3, -5, 1];
      const gradient = [1, 2, 4, 8];
      const running = { mean: tf.zeros<tf.Rank.R1>([1]), variance: tf.ones<tf.Rank.R1>([1]) };
      for (const relu of [true, false]) {
        const through = relu ? [0, 2, 0, 8] : gradient;
        const sum = through.reduce((total, g) => total + g, 0);
        const product = through.reduce((total, g, i) => total + g * (hat[i] ?? NaN), 0);
        const { value, grads } = tf.valueAndGrads((x, scale, shift, added) => {
          const weights = { scale: scale as tf.Tensor1D, shift: shift as tf.Tensor1D };
          const tail = { residual: added as tf.Tensor4D, relu };
          return batchNormTraining(x as tf.Tensor4D, weights, running, tail).output;
        })(
          [
            tf.tensor4d([1, 2, 3, 6], [4, 1, 1, 1]),
            tf.tensor1d([2]),
            tf.tensor1d([0]),
            tf.tensor4d(residual, [4, 1, 1, 1]),
          ],
          tf.tensor4d(gradient, [4, 1, 1, 1]),
        );
        const sums = residual.map((added, i) => 2 * (hat[i] ?? NaN) + added);
        expectClose(value, relu ? [0, sums[1] ?? NaN, 0, sums[3] ?? NaN] : sums);
        const expected = [
          hat.map((x, i) => (2 / deviation) * ((through[i] ?? NaN) - sum / 4 - (x * product) / 4)),
          [product],
          [sum],
          through,
        ];
        expected.forEach((of, index) => {
          expectClose(grads[index] ?? value, of);
        });
      }
    });

    it('refuses weights for another number of channels, and residuals of another shape', () => {
      const running = { mean: tf.zeros<tf.Rank.R1>([4]), variance: tf.ones<tf.Rank.R1>([4]) };
      const weights = { scale: tf.ones<tf.Rank.R1>([4]), shift: tf.zeros<tf.Rank.R1>([4]) };
      const refused = ({ shape, residual }: Record<'shape' | 'residual', Shape>): void => {
        const x = tf.zeros<tf.Rank.R4>(shape);
        const tail = { residual: tf.zeros<tf.Rank.R4>(residual) };
        expect(() => batchNormTraining(x, weights, running, tail)).to.throw();
        expect(() => batchNormEvaluation(x, weights, running, tail)).to.throw();
      };
      // Of as many numbers.
      refused({ shape: [1, 2, 3, 4], residual: [1, 3, 2, 4] });
      // TensorFlow.js' own backend lets these pass in evaluation.
      if (engine === 'plain') return;
      refused({ shape: [1, 2, 3, 8], residual: [1, 2, 3, 8] });
      refused({ shape: [0, 2, 3, 4], residual: [0, 2, 3, 4] });
    });

    it('uses the running statistics in evaluation', () => {
      const x = tf.tensor4d([5, 7], [2, 1, 1, 1]);
      const output = batchNormEvaluation(
        x,
        { scale: tf.tensor1d([3]), shift: tf.tensor1d([0.5]) },
        { mean: tf.tensor1d([4]), variance: tf.tensor1d([4]) },
      );
      const deviation = Math.sqrt(4 + 1e-5);
      expectClose(output, [3 / deviation + 0.5, 9 / deviation + 0.5]);
    });
  });
}
