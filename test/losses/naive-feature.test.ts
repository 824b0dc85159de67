import { expect } from 'chai';
import { naiveFeatureLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`feature matching (${engine})`, () => {
    withEngine(engine);

    it('is the mean over all numbers of the squared difference', () => {
      const { value, gradient } = lossAt(
        (student) =>
          naiveFeatureLoss(
            student,
            matrix([
              [0, 10],
              [5, 5],
            ]),
          ),
        [
          [3, 4],
          [5, 7],
        ],
      );
      expect(value).to.be.closeTo((3 ** 2 + 6 ** 2 + 0 + 2 ** 2) / 4, 1e-5);
      expectClose(
        gradient,
        [3, -6, 0, 2].map((difference) => (2 * difference) / 4),
      );
    });

    it('draws a student of zeros to its teacher, which matching the norms does not', () => {
      const { gradient } = lossAt(
        (student) => naiveFeatureLoss(student, matrix([[2, 4]])),
        [[0, 0]],
      );
      expectClose(gradient, [-2, -4]);
    });
  });
}

describe('feature matching refuses', () => {
  withEngine('plain');

  it('a teacher of another size, naming the adapter', async () => {
    const fault = await faultOf(() => naiveFeatureLoss(matrix([[1, 2]]), matrix([[1, 2, 3]])));
    expect(fault.found).to.equal('student embedding [1, 2], teacher embedding [1, 3]');
    expect(fault.fix).to.contain('adapter');
  });
});
