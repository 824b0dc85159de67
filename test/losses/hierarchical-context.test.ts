import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { hierarchicalContextLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { numbers } from '../support/tensors';

for (const engine of engines) {
  describe(`the hierarchical context loss (${engine})`, () => {
    withEngine(engine);

    it('adds the error of the averages with halved weights, divided by their sum', () => {
      // 2 × 2 cells 1, 2, 3, 4 against zeros: (1 + 4 + 9 + 16) / 4 = 7.5; averaged to 1 × 1: 2.5² = 6.25.
      const student = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
      const loss = hierarchicalContextLoss([student], [tf.zerosLike(student)]);
      expect(numbers(loss)[0]).to.be.closeTo((7.5 + 6.25 / 2) / 1.5, 1e-5);
    });

    it('is the plain error of 1 × 1 features, summed over the stages', () => {
      const one: tf.Tensor4D = tf.fill([2, 1, 1, 3], 2);
      const loss = hierarchicalContextLoss([one, one], [tf.zerosLike(one), one]);
      expect(numbers(loss)[0]).to.be.closeTo(4, 1e-6);
    });

    it('refuses features of other shapes or another number', () => {
      const one: tf.Tensor4D = tf.zeros([1, 2, 2, 1]);
      const two: tf.Tensor4D = tf.zeros([1, 2, 2, 2]);
      expect(() => hierarchicalContextLoss([one], [two])).to.throw(LabError, '[1, 2, 2, 1] and');
      expect(() => hierarchicalContextLoss([one], [one, one])).to.throw(LabError, '1 and 2');
    });
  });
}
