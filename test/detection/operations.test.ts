import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { convolutionUnit } from '../../lib/detection/convolution-unit';
import {
  suppressOverlaps,
  suppressWithinGroups,
} from '../../lib/detection/non-maximum-suppression';
import { roiAlign, sparseProduct } from '../../lib/detection/roi-align';
import { LabError } from '../../lib/errors';
import { deterministic } from '../../lib/verify/deterministic';
import { planVerification } from '../../lib/verify/directory';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { expectClose, numbers } from '../support/tensors';

const fixtures = join(__dirname, '..', 'fixtures', 'reference');

for (const engine of engines) {
  describe(`operations of detection (${engine})`, () => {
    withEngine(engine);

    it('multiply by a matrix of mostly zeros and by its transpose', () => {
      // [[2, 0, 0], [0, 0, 3]]
      const matrix = {
        rows: 2,
        columns: 3,
        places: Int32Array.of(0, 0, 1, 2),
        values: Float32Array.of(2, 3),
      };
      const wide = sparseProduct(
        matrix,
        tf.tensor2d([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
      );
      expectClose(wide, [2, 4, 15, 18]);
      const back = sparseProduct(
        matrix,
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        { transposed: true },
      );
      expectClose(back, [2, 4, 0, 0, 9, 12]);
      const none = { ...matrix, places: new Int32Array(0), values: new Float32Array(0) };
      expectClose(sparseProduct(none, tf.ones([3, 1])), [0, 0]);
    });

    it('pool each region from its own level, in the order of the regions', () => {
      // On constant features a cell of a region is that constant.
      const level = (value: number, side: number): tf.Tensor4D =>
        tf.fill([1, side, side, 1], value);
      const levels = [
        { features: level(3, 16), scale: 1 / 4 },
        { features: level(7, 8), scale: 1 / 8 },
      ];
      const boxes = Float32Array.of(8, 8, 30, 30, 4, 4, 20, 20, 10, 10, 50, 50);
      const regions = { boxes, images: new Int32Array(3) };
      const pooled = roiAlign(levels, regions, Int32Array.of(1, 0, 1), {
        size: 2,
        samplingRatio: 0,
      });
      expect(pooled.shape).to.deep.equal([3, 4, 1]);
      expectClose(pooled, [7, 7, 7, 7, 3, 3, 3, 3, 7, 7, 7, 7]);
    });

    it('give back to each level the gradient of its own regions', () => {
      const regions = { boxes: Float32Array.of(8, 8, 24, 24), images: Int32Array.of(0) };
      const [fine, coarse] = tf.grads((a, b) =>
        roiAlign(
          [
            { features: a as tf.Tensor4D, scale: 1 / 4 },
            { features: b as tf.Tensor4D, scale: 1 / 8 },
          ],
          regions,
          Int32Array.of(1),
          { size: 2, samplingRatio: 2 },
        ),
      )([tf.zeros([1, 8, 8, 1]), tf.zeros([1, 4, 4, 1])]);
      // Four cells, each the mean of samples whose weights sum to 1.
      expect(tf.sum(coarse ?? tf.zeros([1])).dataSync()[0]).to.be.closeTo(4, 1e-5);
      expect(tf.sum(tf.abs(fine ?? tf.ones([1]))).dataSync()[0]).to.equal(0);
    });

    it('pool no region from a level that is not there', async () => {
      const levels = [{ features: tf.ones<tf.Rank.R4>([1, 4, 4, 1]), scale: 1 }];
      const regions = { boxes: Float32Array.of(0, 0, 2, 2, 0, 0, 3, 3), images: new Int32Array(2) };
      const fault = await faultOf(() =>
        roiAlign(levels, regions, Int32Array.of(1, 0), { size: 2, samplingRatio: 0 }),
      );
      expect(fault.found).to.equal('level 1 of 1, counted from 0');
    });

    it('suppress within groups only, highest score first', () => {
      const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 9, 0, 0, 10, 8, 50, 50, 60, 60);
      const scores = Float32Array.of(0.5, 0.9, 0.7, 0.6);
      expect([...suppressOverlaps(boxes, scores, 0.5)]).to.deep.equal([1, 3]);
      const grouped = suppressWithinGroups(boxes, scores, Int32Array.of(0, 0, 1, 1), 0.5);
      expect([...grouped]).to.deep.equal([1, 2, 3]);
      expect([
        ...suppressWithinGroups(boxes, scores, Int32Array.of(0, 0, 1, 1), 0.5, 2),
      ]).to.deep.equal([1, 2]);
      expect([...suppressOverlaps(new Float32Array(0), new Float32Array(0), 0.5)]).to.deep.equal(
        [],
      );
    });

    it('suppress above the threshold, not on it, of equal scores the later one', () => {
      // A square, its left half and its upper 8 / 10: overlaps of just 0.5, of 0.8, and of 40 / 90 between these.
      const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 5, 10, 0, 0, 10, 8);
      const scores = Float32Array.of(0.5, 0.9, 0.5);
      for (const [threshold, stays] of [
        [0.5, [1, 0]],
        [0.49, [1, 2]],
        [0.4, [1]],
        [0.85, [1, 0, 2]],
      ] as const) {
        const found = [...suppressOverlaps(boxes, scores, threshold)];
        expect(found, `at ${threshold}`).to.deep.equal(stays);
      }
    });

    it('refuse a residual of another shape than the unit’s output', () => {
      for (const groups of [1, 2]) {
        const weights = tf.zeros<tf.Rank.R4>([1, 1, 4 / groups, 4]);
        const residual = tf.zeros<tf.Rank.R4>([1, 1, 1, 4]);
        const options = { groups, residual, relu: true };
        expect(() =>
          convolutionUnit(tf.zeros([1, 3, 3, 4]), weights, tf.zeros([4]), options),
        ).to.throw(LabError, 'residual [1, 1, 1, 4], output [1, 3, 3, 4]');
      }
    });

    it('convolve, add and cut in one unit with the gradients of its parts', () => {
      const made = (name: string, shape: number[]): tf.Tensor =>
        tf.tensor(deterministic(`unit/${name}`, shape), shape);
      const inputs = [
        made('x', [2, 5, 6, 3]),
        made('weights', [3, 3, 3, 4]),
        made('bias', [4]),
        made('residual', [2, 3, 3, 4]),
      ];
      const upstream = made('upstream', [2, 3, 3, 4]);
      const unit = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, r: tf.Tensor): tf.Tensor =>
        convolutionUnit(x as tf.Tensor4D, w as tf.Tensor4D, b as tf.Tensor1D, {
          stride: 2,
          padding: 1,
          residual: r as tf.Tensor4D,
          relu: true,
        });
      const parts = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, r: tf.Tensor): tf.Tensor => {
        const padded = tf.pad(x as tf.Tensor4D, [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ]);
        const convolved = tf.conv2d(padded as tf.Tensor4D, w as tf.Tensor4D, 2, 'valid');
        return tf.relu(tf.add(tf.add(convolved, b), r));
      };
      const found = tf.valueAndGrads(unit)(inputs, upstream);
      const expected = tf.valueAndGrads(parts)(inputs, upstream);
      expectClose(found.value, numbers(expected.value), 1e-5);
      found.grads.forEach((gradient, index) => {
        expectClose(gradient, numbers(expected.grads[index] ?? tf.zeros([0])), 1e-4);
      });
    });

    for (const { name, run } of planVerification(fixtures, ['detection-ops'])) {
      it(`agree with the reference: ${name}`, async () => {
        const { mismatches, reason } = await run();
        expect(mismatches).to.deep.equal([]);
        expect(reason).to.equal(undefined);
      });
    }
  });
}
