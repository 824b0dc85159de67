import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { detachedSifnLoss, embeddingNorms, naiveNormLoss, sifnLoss } from '../../lib/losses';
import { inverseNorms } from '../../lib/losses/norm';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`norms (${engine})`, () => {
    withEngine(engine);

    it('of less than 1e-8 count as zero, whose inverse is taken as 0', () => {
      const inverses = inverseNorms(matrix([[0, 0.5e-8, 1e-8, 1.6e-8, 4]]));
      expectClose(tf.mul(inverses, matrix([[1, 1, 1e-8, 1.6e-8, 4]])), [0, 0, 1, 1, 1]);
    });
  });

  describe(`norm matching (${engine})`, () => {
    withEngine(engine);

    it('is the squared difference of the norms, and pulls along the embedding', () => {
      const { value, gradient } = lossAt(
        (student) => naiveNormLoss(student, matrix([[0, 10]])),
        [[3, 4]],
      );
      expect(value).to.be.closeTo((5 - 10) ** 2, 1e-5);
      expectClose(gradient, [2 * -5 * (3 / 5), 2 * -5 * (4 / 5)]);
    });

    it('takes the mean over the batch and pushes down a student that is longer', () => {
      const { value, gradient } = lossAt(
        (student) =>
          naiveNormLoss(
            student,
            matrix([
              [1, 0],
              [0, 5],
            ]),
          ),
        [
          [3, 4],
          [3, 4],
        ],
      );
      expect(value).to.be.closeTo(16 / 2, 1e-5);
      expectClose(gradient, [4 * (3 / 5), 4 * (4 / 5), 0, 0]);
    });

    it('has no gradient at a student of zeros', () => {
      const { value, gradient } = lossAt(
        (student) => naiveNormLoss(student, matrix([[0, 2]])),
        [[0, 0]],
      );
      expect(value).to.be.closeTo(4, 1e-6);
      expectClose(gradient, [0, 0]);
    });
  });

  describe(`SIFN (${engine})`, () => {
    withEngine(engine);

    it('asks for the previous norm and a step more', () => {
      const { value, gradient } = lossAt(
        (student) => sifnLoss(student, tf.tensor1d([4]), { step: 3 }),
        [[3, 4]],
      );
      expect(value).to.be.closeTo((4 + 3 - 5) ** 2, 1e-5);
      expectClose(gradient, [-2 * 2 * (3 / 5), -2 * 2 * (4 / 5)]);
    });

    it('with the current norm held constant is r², a push of 2r on each norm', () => {
      const { value, gradient } = lossAt(
        (student) => detachedSifnLoss(student, { step: 0.5 }),
        [
          [3, 4],
          [0, 2],
        ],
      );
      expect(value).to.be.closeTo(0.25, 1e-5);
      expectClose(gradient, [-0.5 * (3 / 5), -0.5 * (4 / 5), 0, -0.5]);
    });

    it('has no gradient at a student of zeros', () => {
      const { value, gradient } = lossAt((student) => detachedSifnLoss(student), [[0, 0]]);
      expect(value).to.be.closeTo(1, 1e-6);
      expectClose(gradient, [0, 0]);
    });

    it('measures norms row by row', () => {
      expectClose(
        embeddingNorms(
          matrix([
            [3, 4],
            [0, 0],
            [5, 12],
          ]),
        ),
        [5, 0, 13],
      );
    });
  });
}

describe('the norm losses refuse', () => {
  withEngine('plain');

  it('a teacher of another size, quoting both shapes', async () => {
    const fault = await faultOf(() => naiveNormLoss(matrix([[1, 2]]), matrix([[1, 2, 3]])));
    expect(fault.found).to.equal('student embedding [1, 2], teacher embedding [1, 3]');
    expect(fault.fix).to.contain('adapter');
  });

  it('previous norms of another batch, a step that is no number', async () => {
    const student = matrix([[1, 2]]);
    const lengths = await faultOf(() => sifnLoss(student, tf.tensor1d([1, 2])));
    expect(lengths.found).to.equal('previous norms [2], student embedding [1, 2]');
    const step = await faultOf(() => detachedSifnLoss(student, { step: NaN }));
    expect(step.what).to.equal('step must be a finite number');
  });
});
