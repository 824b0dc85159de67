import { expect } from 'chai';
import { directionCosineLoss, directionInfoNceLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { labelsOf, lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

/** Two class means along the axes, of different length. */
const axes = [
  [2, 0],
  [0, 7],
];

for (const engine of engines) {
  describe(`direction by cosine (${engine})`, () => {
    withEngine(engine);

    it('is 1 − cos with the mean of the own class, and only turns', () => {
      const { value, gradient } = lossAt(
        (student) => directionCosineLoss(student, labelsOf(0), matrix(axes)),
        [[3, 4]],
      );
      expect(value).to.be.closeTo(1 - 3 / 5, 1e-6);
      // −(e − cos · f/‖f‖) / ‖f‖
      expectClose(gradient, [-(1 - 0.6 * 0.6) / 5, (0.6 * 0.8) / 5], 1e-6);
      expect(3 * (gradient[0] ?? NaN) + 4 * (gradient[1] ?? NaN)).to.be.closeTo(0, 1e-6);
    });

    it('gathers each sample its own class, and takes the mean', () => {
      const { value } = lossAt(
        (student) => directionCosineLoss(student, labelsOf(1, 0, 0), matrix(axes)),
        [
          [3, 4],
          [3, 4],
          [-1, 0],
        ],
      );
      expect(value).to.be.closeTo((1 / 5 + 2 / 5 + 2) / 3, 1e-6);
    });

    it('counts 1 without a gradient for an embedding or a class mean of zeros', () => {
      const zeroStudent = lossAt(
        (student) => directionCosineLoss(student, labelsOf(0), matrix(axes)),
        [[0, 0]],
      );
      expect(zeroStudent.value).to.equal(1);
      expectClose(zeroStudent.gradient, [0, 0]);
      const zeroMean = lossAt(
        (student) => directionCosineLoss(student, labelsOf(0), matrix([[0, 0]])),
        [[3, 4]],
      );
      expect(zeroMean.value).to.equal(1);
      expectClose(zeroMean.gradient, [0, 0]);
    });
  });

  describe(`direction by InfoNCE (${engine})`, () => {
    withEngine(engine);

    it('is cross entropy over the cosines with all class means', () => {
      // Cosines 0.6 and 0.8; the label's probability is 1 / (1 + e^0.2).
      const { value, gradient } = lossAt(
        (student) => directionInfoNceLoss(student, labelsOf(0), matrix(axes), { temperature: 1 }),
        [[3, 4]],
      );
      expect(value).to.be.closeTo(Math.log(1 + Math.exp(0.2)), 1e-6);
      const other = 1 / (1 + Math.exp(-0.2));
      // The two cosines' gradients are (0.64, −0.48) / 5 and (−0.48, 0.36) / 5.
      expectClose(gradient, [(other * (-0.48 - 0.64)) / 5, (other * (0.36 + 0.48)) / 5], 1e-6);
    });

    for (const { temperature, options } of [
      { temperature: 0.5, options: { temperature: 0.5 } },
      { temperature: 0.1, options: {} },
    ]) {
      it(`divides the cosines by the temperature, ${temperature} of ${JSON.stringify(options)}`, () => {
        const { value } = lossAt(
          (student) => directionInfoNceLoss(student, labelsOf(1), matrix(axes), options),
          [[3, 4]],
        );
        expect(value).to.be.closeTo(Math.log(1 + Math.exp(-0.2 / temperature)), 1e-6);
      });
    }

    it('is log of the classes, without a gradient, for an embedding of zeros', () => {
      const { value, gradient } = lossAt(
        (student) => directionInfoNceLoss(student, labelsOf(0), matrix(axes)),
        [[0, 0]],
      );
      expect(value).to.be.closeTo(Math.log(2), 1e-6);
      expectClose(gradient, [0, 0]);
    });
  });
}

describe('the direction losses refuse', () => {
  withEngine('plain');

  for (const [name, loss] of [
    ['cosine', directionCosineLoss],
    ['InfoNCE', directionInfoNceLoss],
  ] as const) {
    it(`${name}: class means of another size, quoting both shapes`, async () => {
      const fault = await faultOf(() => loss(matrix([[1, 2]]), labelsOf(0), matrix([[1, 2, 3]])));
      expect(fault.found).to.equal('class means [1, 3], student embedding [1, 2]');
    });

    it(`${name}: labels of another batch`, async () => {
      const fault = await faultOf(() => loss(matrix([[1, 2]]), labelsOf(0, 1), matrix(axes)));
      expect(fault.found).to.equal('labels [2], student embedding [1, 2]');
    });
  }

  it('a temperature of 0', async () => {
    const fault = await faultOf(() =>
      directionInfoNceLoss(matrix([[1, 2]]), labelsOf(0), matrix(axes), { temperature: 0 }),
    );
    expect(fault.what).to.equal('temperature must be a finite number above 0');
  });
});
