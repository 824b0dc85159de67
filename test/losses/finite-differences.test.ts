import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  crossEntropyLoss,
  directionCosineLoss,
  directionInfoNceLoss,
  distLoss,
  dkdLoss,
  kdLoss,
  naiveFeatureLoss,
  naiveNormLoss,
  normDirectionLoss,
  sifnLoss,
} from '../../lib/losses';
import { deterministic } from '../../lib/verify/deterministic';
import { engines, withEngine } from '../support/engine';
import { labelsOf, lossAt, type StudentLoss } from '../support/losses';

const batch = 6;
const size = 5;
const rows = (name: string, scale: number): number[][] => {
  const values = deterministic(`finite differences/${name}`, [batch, size], scale);
  return Array.from({ length: batch }, (_, row) => [
    ...values.subarray(row * size, (row + 1) * size),
  ]);
};
const student = rows('student', 2);
const teacher = (): tf.Tensor2D => tf.tensor2d(rows('teacher', 2));
const means = (): tf.Tensor2D => tf.tensor2d(rows('means', 1));
const labels = (): tf.Tensor1D => labelsOf(0, 1, 2, 3, 4, 0);

const losses: Readonly<Record<string, StudentLoss>> = {
  'cross entropy': (x) => crossEntropyLoss(x, labels()),
  KD: (x) => kdLoss(x, teacher()),
  DKD: (x) => dkdLoss(x, teacher(), labels()),
  DIST: (x) => distLoss(x, teacher(), { beta: 2, gamma: 3, temperature: 1 }),
  'feature matching': (x) => naiveFeatureLoss(x, teacher()),
  'norm matching': (x) => naiveNormLoss(x, teacher()),
  SIFN: (x) => sifnLoss(x, tf.tensor1d([0, 1, 2, 3, 4, 5])),
  'direction by cosine': (x) => directionCosineLoss(x, labels(), means()),
  'direction by InfoNCE': (x) => directionInfoNceLoss(x, labels(), means()),
  ND: (x) => normDirectionLoss(x, teacher(), labels(), means()),
  'ND by the teacher’s norm': (x) =>
    normDirectionLoss(x, teacher(), labels(), means(), { norm: 'teacher' }),
  'ND by the student’s norm': (x) =>
    normDirectionLoss(x, teacher(), labels(), means(), { norm: 'student' }),
};

for (const engine of engines) {
  describe(`gradients agree with finite differences (${engine})`, () => {
    withEngine(engine);

    for (const [name, loss] of Object.entries(losses)) {
      it(name, () => {
        const { gradient } = lossAt(loss, student);
        const length = Math.hypot(...gradient);
        expect(length).to.be.greaterThan(0);
        // Along the gradient the slope is its length; across it, along a direction of our own, their product.
        const direction = [...deterministic('finite differences/direction', [batch * size])];
        const projection = gradient.reduce((sum, g, i) => sum + g * (direction[i] ?? NaN), 0);
        expect(
          slope(
            loss,
            gradient.map((g) => g / length),
          ),
        ).to.be.closeTo(length, 2e-3 * length);
        expect(slope(loss, direction)).to.be.closeTo(projection, 2e-3 * length);
      });
    }
  });
}

/** The central difference of the loss along a direction. */
function slope(loss: StudentLoss, direction: readonly number[]): number {
  const step = 2e-2;
  const at = (factor: number): number =>
    lossAt(
      loss,
      student.map((row, i) => row.map((x, j) => x + factor * (direction[i * size + j] ?? NaN))),
    ).value;
  return (at(step) - at(-step)) / (2 * step);
}
