import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import {
  contrastiveLoss,
  contrastNormaliser,
  featureOverhaulLoss,
  hintLoss,
  overhaulMargins,
  probabilisticTransferLoss,
  relationalLoss,
  updatedMemory,
} from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { lossAt, matrix } from '../support/losses';
import { expectClose, numbers } from '../support/tensors';

for (const engine of engines) {
  describe(`the losses of FitNet, RKD, PKT, OFD and CRD (${engine})`, () => {
    withEngine(engine);

    describe('hint', () => {
      it('is the mean squared error', () => {
        const student = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
        // (1 + 4 + 9 + 16) / 4
        expectClose(hintLoss(student, tf.zerosLike(student)), [7.5]);
      });

      it('refuses features of other shapes', () => {
        const one: tf.Tensor4D = tf.zeros([1, 2, 2, 1]);
        expect(() => hintLoss(one, tf.zeros([1, 2, 2, 2]))).to.throw(LabError, '[1, 2, 2, 2]');
      });
    });

    describe('relational', () => {
      // A right angle at 0 with legs 3 and 4; the teacher's triangle is equilateral.
      const student = [
        [0, 0],
        [3, 0],
        [0, 4],
      ];
      const teacher = matrix([
        [0, 0],
        [1, 0],
        [0.5, Math.sqrt(0.75)],
      ]);

      it('compares distances over their mean', () => {
        // Distances 3, 4, 5 over 4 against 1, 1, 1, each pair twice among 9 entries.
        const loss = relationalLoss(matrix(student), teacher, {
          distanceWeight: 1,
          angleWeight: 0,
        });
        expectClose(loss, [(2 * (0.5 * 0.25 ** 2 + 0 + 0.5 * 0.25 ** 2)) / 9]);
      });

      it('compares the angles of all triples', () => {
        // Cosines 0, 3/5 and 4/5 against ½ each, each angle twice among 27 entries.
        const loss = relationalLoss(matrix(student), teacher, {
          distanceWeight: 0,
          angleWeight: 1,
        });
        expectClose(loss, [(2 * 0.5 * (0.5 ** 2 + 0.1 ** 2 + 0.3 ** 2)) / 27]);
      });

      it('weighs distances 25 and angles 50 unless told otherwise', () => {
        const parts = [
          relationalLoss(matrix(student), teacher, { distanceWeight: 25, angleWeight: 0 }),
          relationalLoss(matrix(student), teacher, { distanceWeight: 0, angleWeight: 50 }),
        ];
        const sum = parts.reduce((total, part) => total + (numbers(part)[0] ?? NaN), 0);
        expectClose(relationalLoss(matrix(student), teacher), [sum]);
      });

      it('is 0 for a student that is the teacher, turned, moved and enlarged', () => {
        const turned = teacher.arraySync().map(([x = 0, y = 0]) => [5 - 3 * y, 1 + 3 * x]);
        expectClose(relationalLoss(matrix(turned), teacher), [0]);
      });

      it('is 0 for a batch of one and of two samples, with no gradient', () => {
        for (const batch of [1, 2]) {
          const { value, gradient } = lossAt(
            (x) => relationalLoss(x, tf.slice(teacher, [0, 0], [batch, 2])),
            student.slice(0, batch),
          );
          expectClose([value, ...gradient], [0, ...gradient.map(() => 0)]);
        }
      });

      it('has a finite gradient where samples are equal', () => {
        const { value, gradient } = lossAt(
          (x) => relationalLoss(x, teacher),
          [
            [1, 2],
            [1, 2],
            [3, 0],
          ],
        );
        expect(value).to.be.greaterThan(0);
        expect(gradient.every(Number.isFinite)).to.equal(true);
        expect(Math.max(...gradient.map(Math.abs))).to.be.lessThan(100);
      });

      it('refuses batches of other lengths and weights that are no numbers', () => {
        expect(() => relationalLoss(matrix(student), matrix([[1, 2]]))).to.throw(
          LabError,
          '[1, 2]',
        );
        expect(() => relationalLoss(matrix(student), teacher, { angleWeight: NaN })).to.throw(
          LabError,
          'angles',
        );
      });
    });

    describe('probabilistic transfer', () => {
      it('compares cosines, brought to shares of 1', () => {
        // Kernels 1 and ½ in each row of the student, 1 and 0 in the teacher's.
        const student = matrix([
          [2, 0],
          [0, 3],
        ]);
        const teacher = matrix([[1], [-4]]);
        // Each row: 1 · ln(1 / ⅔) and 0 · ln(…), among 4 entries.
        expectClose(probabilisticTransferLoss(student, teacher), [(2 * Math.log(1.5)) / 4]);
      });

      it('is 0 for embeddings of other lengths and equal directions', () => {
        const student = matrix([
          [1, 2],
          [3, -1],
          [0.5, 0.5],
        ]);
        const teacher = tf.mul<tf.Tensor2D>(student, matrix([[3], [0.2], [7]]));
        expectClose(probabilisticTransferLoss(student, teacher), [0], 1e-6);
      });

      it('only turns an embedding, and the more the shorter it is', () => {
        const rows = [
          [3, 4],
          [1, 0],
          [-1, 2],
        ];
        const teacher = matrix([
          [1, 0],
          [0, 1],
          [1, 1],
        ]);
        const at = (factor: number) =>
          lossAt(
            (x) => probabilisticTransferLoss(x, teacher),
            rows.map((row) => row.map((value) => factor * value)),
          );
        const [whole, hundredth] = [at(1), at(0.01)];
        expect(hundredth.value).to.be.closeTo(whole.value, 1e-5);
        const largest = Math.max(...whole.gradient.map(Math.abs));
        expectClose(
          hundredth.gradient.map((slope) => slope / 100),
          whole.gradient,
          1e-3 * largest,
        );
        rows.forEach(([x = 0, y = 0], row) => {
          const [dx = NaN, dy = NaN] = whole.gradient.slice(2 * row);
          expect(x * dx + y * dy).to.be.closeTo(0, 1e-3 * largest);
        });
      });

      it('has a finite gradient at an embedding of 0', () => {
        const { value, gradient } = lossAt(
          (x) =>
            probabilisticTransferLoss(
              x,
              matrix([
                [1, 0],
                [1, 1],
              ]),
            ),
          [
            [0, 0],
            [1, 2],
          ],
        );
        expect(Number.isFinite(value)).to.equal(true);
        expectClose(gradient.slice(0, 2), [0, 0]);
        expect(gradient.every(Number.isFinite)).to.equal(true);
      });
    });

    describe('feature overhaul', () => {
      const at = (...values: number[]): tf.Tensor4D =>
        tf.tensor4d(values, [1, 1, 1, values.length]);

      it('leaves out what is below a target that is not positive', () => {
        const margin = tf.tensor1d([-1, -1, -1, -1, -1, -1]);
        const teacher = at(2, -0.5, -0.5, -3, -3, 0);
        const student = at(1, 0, -2, 0, -2, -1);
        // Towards 2: 1; above −0.5: 0.25; below it: nothing; above the margin −1: 1; below it: nothing;
        // below 0: nothing.
        expectClose(featureOverhaulLoss([student], [teacher], [margin]), [1 + 0.25 + 1]);
      });

      it('halves the weight of each shallower stage and averages over the batch', () => {
        const two: tf.Tensor4D = tf.fill([2, 1, 1, 1], 3);
        const target: tf.Tensor4D = tf.fill([2, 1, 1, 1], 1);
        const margin = tf.tensor1d([-1]);
        const loss = featureOverhaulLoss(
          [two, two, two],
          [target, target, target],
          [margin, margin, margin],
        );
        expectClose(loss, [4 * (0.25 + 0.5 + 1)]);
      });

      it('has a gradient of twice the difference over the batch, where it counts', () => {
        const teacher = tf.tensor4d([1, 1, -1, -1], [4, 1, 1, 1]);
        const student = tf.tensor4d([3, 0, 2, -2], [4, 1, 1, 1]);
        const gradient = tf.grad((x) =>
          featureOverhaulLoss([x as tf.Tensor4D], [teacher], [tf.tensor1d([-1])]),
        )(student);
        expectClose(gradient, [(2 * 2) / 4, (2 * -1) / 4, (2 * 3) / 4, 0]);
      });

      // The teacher's rows are (1, 2) and (3, 6); the student is 0.
      for (const { of, height, width, squares } of [
        { of: 'both sides', height: 1, width: 1, squares: 3 ** 2 },
        { of: 'its height alone', height: 1, width: 2, squares: 2 ** 2 + 4 ** 2 },
        { of: 'its width alone', height: 2, width: 1, squares: 1.5 ** 2 + 4.5 ** 2 },
        { of: 'neither side', height: 2, width: 2, squares: 1 + 4 + 9 + 36 },
      ]) {
        it(`averages a larger feature of the teacher: ${of}`, () => {
          const teacher = tf.tensor4d([1, 2, 3, 6], [1, 2, 2, 1]);
          const student: tf.Tensor4D = tf.zeros([1, height, width, 1]);
          expectClose(featureOverhaulLoss([student], [teacher], [tf.tensor1d([-1])]), [squares]);
        });
      }

      it('refuses sides that do not divide and stages without a partner', () => {
        const margin = tf.tensor1d([-1]);
        const three: tf.Tensor4D = tf.zeros([1, 3, 3, 1]);
        expect(() => featureOverhaulLoss([tf.zeros([1, 2, 2, 1])], [three], [margin])).to.throw(
          LabError,
          '[3, 3] to [2, 2]',
        );
        for (const [sides, found] of [
          [[1, 2, 3, 1], '[2, 3] to [2, 2]'],
          [[1, 0, 0, 1], '[0, 0] to [2, 2]'],
        ] as const) {
          expect(() =>
            featureOverhaulLoss([tf.zeros([1, 2, 2, 1])], [tf.zeros([...sides])], [margin]),
          ).to.throw(LabError, found);
        }
        expect(() => featureOverhaulLoss([three], [three], [])).to.throw(LabError, '0 margins');
        expect(() => featureOverhaulLoss([three], [three, three], [margin])).to.throw(
          LabError,
          '1 and 2',
        );
      });

      it('takes the mean of the negative part of a normal variable as margin', () => {
        // Of N(0, σ²) it is −σ √(2/π); far above 0 it is −3σ; without spread it is the shift itself.
        const margins = overhaulMargins([1, -2, 1, 0, 0, 0], [0, 0, 10, -0.5, 0.5, 0]);
        const half = -Math.sqrt(2 / Math.PI);
        expectClose([...margins], [half, 2 * half, -3, -0.5, 0, 0]);
        // Far below 0 nothing is cut off, and the mean is the shift.
        expectClose([...overhaulMargins([0.1], [-5])], [-5]);
      });
    });

    describe('contrastive representation', () => {
      const memory = matrix([
        [1, 0],
        [0, 1],
        [-1, 0],
        [0, -1],
      ]);
      const anchor = [[1, 0]];
      const candidates = (...rows: number[]): tf.Tensor2D =>
        tf.tensor2d([rows], undefined, 'int32');

      it('tells the own sample from the noise', () => {
        // Scores e, 1 and 1/e over Z = 4, two negatives of four samples: a noise share of ½.
        const loss = contrastiveLoss(matrix(anchor), {
          memory,
          candidates: candidates(0, 1, 2),
          normaliser: 4,
          temperature: 1,
        });
        const [own, first, second] = [Math.E / 4, 1 / 4, 1 / Math.E / 4];
        const log = Math.log;
        expectClose(loss, [
          -(log(own / (own + 0.5)) + log(0.5 / (first + 0.5)) + log(0.5 / (second + 0.5))),
        ]);
      });

      it('keeps an ε of 1e-7 beside the share of noise, in value and gradient', () => {
        // One negative of 100 000 samples, both of score 1e-5: the ε is 1 % of the share.
        const samples = 100_000;
        const rows = new Float32Array(2 * samples);
        rows.set([1, 0, 0, 1]);
        const share = 1 / samples + 1e-7;
        const score = 1e-5;
        const { value, gradient } = lossAt(
          (x) =>
            contrastiveLoss(x, {
              memory: tf.tensor2d(rows, [samples, 2]),
              candidates: candidates(0, 1),
              normaliser: 1 / score,
              temperature: 1,
            }),
          [[0, 0]],
        );
        const { log } = Math;
        const noise = log(1 / samples / (score + share));
        expect(value).to.be.closeTo(-(log(score / (score + share)) + noise), 1e-4);
        expectClose(gradient, [-share / (score + share), score / (score + share)], 1e-4);
      });

      it('counts a negative as often as it is drawn', () => {
        const of = (...rows: number[]): { value: number; gradient: number[] } =>
          lossAt(
            (x) =>
              contrastiveLoss(x, {
                memory,
                candidates: candidates(...rows),
                normaliser: 4,
                temperature: 1,
              }),
            anchor,
          );
        // Of the same noise share, the drawn rows 1, 1 weigh what 1, 3 weigh: both lie across.
        const [twice, once] = [of(0, 1, 1), of(0, 1, 3)];
        expectClose([twice.value], [once.value]);
        expect(once.gradient[1]).to.be.closeTo(0, 1e-6);
        expect(twice.gradient[1]).to.be.greaterThan(0.1);
      });

      it('normalises by the mean score times the samples', () => {
        const z = contrastNormaliser(matrix(anchor), {
          memory,
          candidates: candidates(0, 1),
          temperature: 0.5,
        });
        expectClose(z, [(4 * (Math.exp(2) + 1)) / 2], 1e-4);
      });

      it('moves the memory half-way and back to length 1', () => {
        const after = updatedMemory(memory, tf.tensor1d([2], 'int32'), matrix([[0, 1]]));
        const half = Math.SQRT1_2;
        expectClose(after, [1, 0, 0, 1, -half, half, 0, -1]);
      });

      it('refuses candidates that are no indices or not of this batch', () => {
        const options = { memory, normaliser: 1 };
        expect(() =>
          contrastiveLoss(matrix(anchor), { ...options, candidates: tf.tensor2d([[0, 1]]) }),
        ).to.throw(LabError, 'float32');
        expect(() =>
          contrastiveLoss(matrix([...anchor, ...anchor]), {
            ...options,
            candidates: candidates(0, 1),
          }),
        ).to.throw(LabError, '[2, 2]');
      });
    });
  });
}
