import { expect } from 'chai';
import { distLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { lossAt, matrix } from '../support/losses';

const three = Math.log(3);

for (const engine of engines) {
  describe(`DIST (${engine})`, () => {
    withEngine(engine);

    it('is 0 for proportional relations', () => {
      const rows = [
        [three, 0, 1],
        [0, three, 2],
      ];
      const { value, gradient } = lossAt((student) => distLoss(student, matrix(rows)), rows);
      expect(value).to.be.closeTo(0, 1e-4);
      for (const slope of gradient) expect(slope).to.be.closeTo(0, 1e-3);
    });

    it('is 2β + 2γ where every order is turned round', () => {
      // Probabilities (1/4, 3/4) and (3/4, 1/4) against their exchange: each correlation is −1.
      const { value } = lossAt(
        (student) =>
          distLoss(
            student,
            matrix([
              [three, 0],
              [0, three],
            ]),
            {
              beta: 3,
              gamma: 5,
              temperature: 1,
            },
          ),
        [
          [0, three],
          [three, 0],
        ],
      );
      expect(value).to.be.closeTo(2 * 3 + 2 * 5, 1e-4);
    });

    it('tells the two relations apart', () => {
      // One sample has no relation between samples: its correlation is 0. Between classes it is −1.
      const { value } = lossAt(
        (student) => distLoss(student, matrix([[three, 0]]), { beta: 3, gamma: 5, temperature: 1 }),
        [[0, three]],
      );
      expect(value).to.be.closeTo(2 * 3 + 5, 1e-4);
    });

    it('softens by the temperature and multiplies by its square', () => {
      const { value } = lossAt(
        (student) =>
          distLoss(student, matrix([[2 * three, 0]]), { beta: 3, gamma: 5, temperature: 2 }),
        [[0, 2 * three]],
      );
      expect(value).to.be.closeTo(4 * (2 * 3 + 5), 1e-4);
    });

    it('has a finite gradient where the student gives all classes the same', () => {
      const { value, gradient } = lossAt(
        (student) => distLoss(student, matrix([[1, 2, 3]]), { temperature: 1 }),
        [[0, 0, 0]],
      );
      expect(value).to.be.closeTo(2, 1e-6);
      expect(gradient.every(Number.isFinite)).to.equal(true);
    });
  });
}

describe('DIST refuses', () => {
  withEngine('plain');

  it('logits of another batch, a temperature of 0', async () => {
    const shapes = await faultOf(() =>
      distLoss(
        matrix([[1, 2]]),
        matrix([
          [1, 2],
          [3, 4],
        ]),
      ),
    );
    expect(shapes.found).to.equal('student logits [1, 2], teacher logits [2, 2]');
    const option = await faultOf(() =>
      distLoss(matrix([[1, 2]]), matrix([[1, 2]]), { temperature: 0 }),
    );
    expect(option.what).to.equal('temperature must be a finite number above 0');
  });
});
