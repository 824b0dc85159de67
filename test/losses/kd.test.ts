import { expect } from 'chai';
import { kdLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`KD (${engine})`, () => {
    withEngine(engine);

    it('is T² · KL(teacher ‖ student) of the softened distributions', () => {
      // At T = 2 the teacher has (1/4, 3/4), the student (1/2, 1/2).
      const { value, gradient } = lossAt(
        (student) => kdLoss(student, matrix([[0, 2 * Math.log(3)]]), { temperature: 2 }),
        [[0, 0]],
      );
      expect(value).to.be.closeTo(
        4 * ((1 / 4) * Math.log(1 / 2) + (3 / 4) * Math.log(3 / 2)),
        1e-6,
      );
      // T · (student − teacher)
      expectClose(gradient, [2 * (1 / 2 - 1 / 4), 2 * (1 / 2 - 3 / 4)], 1e-6);
    });

    it('is softened by 4 unless told otherwise', () => {
      const { value } = lossAt(
        (student) => kdLoss(student, matrix([[0, 4 * Math.log(3)]])),
        [[0, 0]],
      );
      expect(value).to.be.closeTo(
        16 * ((1 / 4) * Math.log(1 / 2) + (3 / 4) * Math.log(3 / 2)),
        1e-5,
      );
    });

    it('takes the mean over the batch, and is 0 where both agree up to a constant', () => {
      const { value, gradient } = lossAt(
        (student) =>
          kdLoss(
            student,
            matrix([
              [0, Math.log(3)],
              [7, 8],
            ]),
            { temperature: 1 },
          ),
        [
          [0, 0],
          [1, 2],
        ],
      );
      const first = (1 / 4) * Math.log(1 / 2) + (3 / 4) * Math.log(3 / 2);
      expect(value).to.be.closeTo(first / 2, 1e-6);
      expectClose(gradient, [1 / 8, -1 / 8, 0, 0], 1e-6);
    });
  });
}

describe('KD refuses', () => {
  withEngine('plain');

  it('logits of other classes, quoting both shapes', async () => {
    const fault = await faultOf(() => kdLoss(matrix([[1, 2]]), matrix([[1, 2, 3]])));
    expect(fault.found).to.equal('student logits [1, 2], teacher logits [1, 3]');
  });

  for (const temperature of [0, -1, NaN, Infinity]) {
    it(`a temperature of ${temperature}`, async () => {
      const fault = await faultOf(() =>
        kdLoss(matrix([[1, 2]]), matrix([[1, 2]]), { temperature }),
      );
      expect(fault.kind).to.equal('option');
      expect(fault.found).to.equal(String(temperature));
    });
  }
});
