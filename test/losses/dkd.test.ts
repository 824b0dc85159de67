import { expect } from 'chai';
import { dkdLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { labelsOf, lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

const { log } = Math;

for (const engine of engines) {
  describe(`DKD (${engine})`, () => {
    withEngine(engine);

    it('weighs by β the divergence between the other classes', () => {
      // Both give the target 1/3; among the others the student has (1/2, 1/2), the teacher (1/4, 3/4).
      const { value, gradient } = lossAt(
        (student) =>
          dkdLoss(student, matrix([[log(2), 0, log(3)]]), labelsOf(0), {
            alpha: 5,
            beta: 3,
            temperature: 1,
          }),
        [[0, 0, 0]],
      );
      expect(value).to.be.closeTo(3 * ((1 / 4) * log(1 / 2) + (3 / 4) * log(3 / 2)), 1e-6);
      expectClose(gradient, [0, 3 * (1 / 2 - 1 / 4), 3 * (1 / 2 - 3 / 4)], 1e-6);
    });

    it('weighs by α the divergence between target and the rest', () => {
      // The teacher gives the target 2/3, the student 1/3; the others are alike.
      const { value, gradient } = lossAt(
        (student) =>
          dkdLoss(student, matrix([[log(4), 0, 0]]), labelsOf(0), {
            alpha: 5,
            beta: 3,
            temperature: 1,
          }),
        [[0, 0, 0]],
      );
      expect(value).to.be.closeTo(5 * ((2 / 3) * log(2) + (1 / 3) * log(1 / 2)), 1e-6);
      expectClose(gradient, [-5 / 3, 5 / 6, 5 / 6], 1e-6);
    });

    it('weighs target and others 1 to 8, softened by 4, unless told otherwise', () => {
      // The teacher gives 4/8, 1/8 and 3/8: the target ½ against 1/3, the others as above.
      const { value } = lossAt(
        (student) => dkdLoss(student, matrix([[4 * log(4), 0, 4 * log(3)]]), labelsOf(0)),
        [[0, 0, 0]],
      );
      const target = (1 / 2) * log(3 / 2) + (1 / 2) * log(3 / 4);
      const others = (1 / 4) * log(1 / 2) + (3 / 4) * log(3 / 2);
      expect(value).to.be.closeTo(16 * (target + 8 * others), 1e-5);
    });

    it('softens by the temperature and multiplies by its square', () => {
      const options = { alpha: 1, beta: 2 };
      const at = (temperature: number): { value: number; gradient: number[] } =>
        lossAt(
          (student) =>
            dkdLoss(student, matrix([[temperature * 2, 0, temperature * -1]]), labelsOf(2), {
              ...options,
              temperature,
            }),
          [[temperature, 0, temperature * 0.5]],
        );
      const [one, four] = [at(1), at(4)];
      expect(four.value).to.be.closeTo(16 * one.value, 1e-4);
      expectClose(
        four.gradient,
        one.gradient.map((slope) => 4 * slope),
        1e-4,
      );
    });

    it('takes the mean over the batch', () => {
      const loss = (rows: number[][], labels: number[]): number =>
        lossAt(
          (student) =>
            dkdLoss(student, matrix(rows.map((row) => row.map((x) => x * x))), labelsOf(...labels)),
          rows,
        ).value;
      const [a, b] = [
        [1, 2, -1],
        [0, 1, 3],
      ];
      const both = loss([a ?? [], b ?? []], [2, 0]);
      expect(both).to.be.closeTo((loss([a ?? []], [2]) + loss([b ?? []], [0])) / 2, 1e-5);
    });

    it('stays finite for a student that is wholly sure of the target', () => {
      const { value, gradient } = lossAt(
        (student) =>
          dkdLoss(student, matrix([[0, 0, 0]]), labelsOf(0), { alpha: 1, beta: 1, temperature: 1 }),
        [[1000, 0, 0]],
      );
      // 1/3 · log(1/3) + 2/3 · (log(2/3) − log student's rest), with log rest = log 2 − 1000.
      const expected = log(1 / 3) / 3 + (2 / 3) * (log(2 / 3) + 1000 - log(2));
      expect(value).to.be.closeTo(expected, 1e-3);
      expectClose(gradient, [2 / 3, -1 / 3, -1 / 3], 1e-6);
    });
  });
}

describe('DKD refuses', () => {
  withEngine('plain');

  it('fewer than three classes', async () => {
    const fault = await faultOf(() => dkdLoss(matrix([[1, 2]]), matrix([[1, 2]]), labelsOf(0)));
    expect(fault.what).to.equal('DKD needs at least three classes');
    expect(fault.found).to.equal('2');
  });

  it('logits of other classes, labels of another batch, weights that are no numbers', async () => {
    const three = matrix([[1, 2, 3]]);
    const shapes = await faultOf(() => dkdLoss(three, matrix([[1, 2]]), labelsOf(0)));
    expect(shapes.found).to.equal('student logits [1, 3], teacher logits [1, 2]');
    const batch = await faultOf(() => dkdLoss(three, three, labelsOf(0, 1)));
    expect(batch.found).to.equal('labels [2], student logits [1, 3]');
    const weight = await faultOf(() => dkdLoss(three, three, labelsOf(0), { beta: NaN }));
    expect(weight.what).to.equal('beta must be a finite number');
  });
});
