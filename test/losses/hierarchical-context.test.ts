import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { hierarchicalContextLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`the hierarchical context loss (${engine})`, () => {
    withEngine(engine);

    // One entry differs. A cell of n entries that holds it differs by entry / n; each line has, for the
    // feature itself and for each level below its height, cells that hold it · (entry / n)² / all cells.
    for (const { height, width, at, entry, levels } of [
      { height: 1, width: 1, at: [0, 0], entry: 3, levels: [9] },
      { height: 2, width: 2, at: [1, 0], entry: 4, levels: [4 ** 2 / 4, 1] },
      // Cells of 2 × 2: one; of 4 × 4: one.
      {
        height: 8,
        width: 8,
        at: [5, 2],
        entry: 64,
        levels: [64 ** 2 / 64, 16 ** 2 / 16, 4 ** 2 / 4, 1],
      },
      // Cells overlap where a side does not divide: rows 0–1 and 1–2, columns 0–2 and 2–4.
      { height: 3, width: 5, at: [1, 2], entry: 30, levels: [30 ** 2 / 15, (4 * 5 ** 2) / 4, 4] },
      { height: 3, width: 5, at: [0, 4], entry: 30, levels: [30 ** 2 / 15, 5 ** 2 / 4, 4] },
      { height: 3, width: 5, at: [2, 3], entry: 30, levels: [30 ** 2 / 15, 5 ** 2 / 4, 4] },
      // Only one side divides: two rows or columns of three entries, the middle one in both cells.
      { height: 4, width: 3, at: [0, 1], entry: 12, levels: [12, (2 * 3 ** 2) / 4, 1] },
      { height: 3, width: 4, at: [1, 3], entry: 12, levels: [12, (2 * 3 ** 2) / 4, 1] },
      { height: 4, width: 8, at: [3, 7], entry: 32, levels: [32, 4 ** 2 / 4, 1] },
    ]) {
      it(`averages ${height} × ${width} features to 4 × 4, 2 × 2 and 1 × 1: ${at.join(', ')}`, () => {
        const [row = 0, column = 0] = at;
        const student = tf.buffer([1, height, width, 1]);
        student.set(entry, 0, row, column, 0);
        const teacher: tf.Tensor4D = tf.zeros([1, height, width, 1]);
        const loss = hierarchicalContextLoss([student.toTensor() as tf.Tensor4D], [teacher]);
        const weights = [1, 1 / 2, 1 / 4, 1 / 8].slice(0, levels.length);
        const weighted = levels.map((error, level) => error * (weights[level] ?? NaN));
        const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
        expectClose(loss, [sum(weighted) / sum(weights)], 1e-4);
      });
    }

    it('takes the mean over samples and channels, and sums over the stages', () => {
      // Sample 0, channel 1 is 6 everywhere: a quarter of the entries, at each level.
      const student = tf.stack([
        tf.stack([tf.zeros([3, 3]), tf.fill([3, 3], 6)], 2),
        tf.zeros([3, 3, 2]),
      ]) as tf.Tensor4D;
      const zeros = tf.zerosLike(student);
      expectClose(hierarchicalContextLoss([student], [zeros]), [9]);
      const one: tf.Tensor4D = tf.ones([1, 1, 1, 3]);
      const loss = hierarchicalContextLoss([student, student, one], [zeros, student, one.mul(3)]);
      expectClose(loss, [9 + 0 + 4]);
    });
  });
}

describe('the hierarchical context loss refuses', () => {
  withEngine('plain');

  it('features of other shapes or another number', async () => {
    const one: tf.Tensor4D = tf.zeros([1, 2, 2, 1]);
    const two: tf.Tensor4D = tf.zeros([1, 2, 2, 2]);
    const shapes = await faultOf(() => hierarchicalContextLoss([one], [two]));
    expect(shapes.found).to.equal('[1, 2, 2, 1] and [1, 2, 2, 2]');
    for (const [student, teacher, found] of [
      [[one], [one, one], '1 and 2 features'],
      [[one, one], [one], '2 and 1 features'],
    ] as const) {
      const fault = await faultOf(() => hierarchicalContextLoss(student, teacher));
      expect(fault.found).to.equal(found);
    }
  });
});
