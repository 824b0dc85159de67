import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { benchmarkLoss, normDirectionBySample } from '../../lib/bench/loss-benchmark';
import { normDirectionLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';

for (const engine of engines) {
  describe(`the ND loss sample by sample (${engine})`, () => {
    withEngine(engine);

    it('is the loss of one sample written out: 1 − f·e / max(‖f‖, ‖t‖)', () => {
      const loss = normDirectionBySample(
        tf.tensor2d([[3, 4]]),
        tf.tensor2d([[6, 8]]),
        Int32Array.of(1),
        tf.tensor2d([
          [1, 0],
          [0, 2],
        ]),
      );
      // f · (0, 1) = 4, and the teacher's norm of 10 is the larger one.
      expect(loss.dataSync()[0]).to.be.closeTo(1 - 4 / 10, 1e-6);
    });

    it('and the loss that is timed against it have one value and one gradient', () => {
      const student = tf.randomNormal<tf.Rank.R2>([5, 7], 0, 1, 'float32', 1);
      const teacher = tf.randomNormal<tf.Rank.R2>([5, 7], 0, 1.2, 'float32', 2);
      const means = tf.randomNormal<tf.Rank.R2>([3, 7], 0, 1, 'float32', 3);
      const labels = Int32Array.of(0, 2, 1, 1, 0);
      const [slow, fast] = [
        (x: tf.Tensor) => normDirectionBySample(x as tf.Tensor2D, teacher, labels, means),
        (x: tf.Tensor) =>
          normDirectionLoss(x as tf.Tensor2D, teacher, tf.tensor1d(labels, 'int32'), means),
      ].map((loss) => {
        const { value, grad } = tf.valueAndGrad(loss)(student);
        return [...value.dataSync(), ...grad.dataSync()];
      });
      expect(slow).to.have.length(1 + 5 * 7);
      slow?.forEach((number, index) => expect(fast?.[index]).to.be.closeTo(number, 1e-6));
    });

    it('are timed in pairs', async () => {
      const { numTensors } = tf.memory();
      const seen: number[] = [];
      const found = await benchmarkLoss({
        batch: 4,
        dimension: 8,
        iterations: 2,
        onProgress: (what, done) => what === 'loss and loop' && seen.push(done),
      });
      expect(seen).to.deep.equal([1, 2]);
      for (const number of [found.ms, found.loopMs, found.ratio]) expect(number).to.be.above(0);
      expect(found.minMs).to.be.at.most(found.ms).and.at.most(found.maxMs);
      expect(found).to.not.have.property('torch');
      expect(tf.memory().numTensors).to.equal(numTensors);
    });
  });
}
