import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { binaryCrossEntropySum, boxLosses, smoothL1Sum } from '../../lib/detection/box-head';
import { anchorTargets, proposalLosses } from '../../lib/detection/proposals';
import { random } from '../../lib/engine/random';
import { engines, withEngine } from '../support/engine';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`losses of detection (${engine})`, () => {
    withEngine(engine);

    it('smooth L1 with β 0 is the distance, its gradient the sign', () => {
      const target = tf.tensor1d([0, 0, 1]);
      const { value, grad } = tf.valueAndGrad((x) => smoothL1Sum(x, target))(
        tf.tensor1d([-2, 0.5, 1]),
      );
      expectClose(value, [2.5]);
      expectClose(grad, [-1, 1, 0]);
    });

    it('smooth L1 with β 1 is a parabola below 1', () => {
      const target = tf.tensor1d([0, 0, 1]);
      const loss = (x: tf.Tensor): tf.Scalar => smoothL1Sum(x, target, { beta: 1 });
      const { value, grad } = tf.valueAndGrad(loss)(tf.tensor1d([0.5, -3, 2.25]));
      // 0.5² / 2, 3 − 1/2 and 1.25 − 1/2
      expectClose(value, [0.125 + 2.5 + 0.75]);
      expectClose(grad, [0.5, -1, 1]);
    });

    it('smooth L1 with β 2 has the slope of its parabola, d / 2, up to 2', () => {
      const loss = (x: tf.Tensor): tf.Scalar => smoothL1Sum(x, tf.zerosLike(x), { beta: 2 });
      const { value, grad } = tf.valueAndGrad(loss)(tf.tensor1d([1, -3, 2]));
      // 1² / 4, 3 − 1, and 2² / 4, which is 2 − 1 as well.
      expectClose(value, [0.25 + 2 + 1]);
      expectClose(grad, [0.5, -1, 1]);
    });

    it('binary cross entropy takes large logits', () => {
      const targets = tf.tensor1d([1, 0, 1]);
      const loss = (x: tf.Tensor): tf.Scalar => binaryCrossEntropySum(x, targets);
      const { value, grad } = tf.valueAndGrad(loss)(tf.tensor1d([0, 100, -100]));
      expectClose(value, [Math.log(2) + 100 + 100], 1e-3);
      expectClose(grad, [-0.5, 1, -1]);
    });

    it('of proposals count sampled anchors only and divide by 256 an image', () => {
      // Of three anchors the first is an object, the second background, the third left out.
      const output = {
        objectness: tf.tensor2d([[1, 2, 5]]),
        deltas: tf.tensor3d([
          [
            [1, 0, 0, 0],
            [9, 9, 9, 9],
            [9, 9, 9, 9],
          ],
        ]),
      };
      const targets = {
        objects: Int32Array.of(0),
        background: Int32Array.of(1),
        deltas: Float32Array.of(0, 0.5, 0, 0),
        divisor: 256,
      };
      const { objectness, box } = proposalLosses(output, targets);
      const missed = Math.log(1 + Math.exp(-1)) + Math.log(1 + Math.exp(2));
      expectClose(objectness, [missed / 256], 1e-6);
      expectClose(box, [1.5 / 256], 1e-6);
    });

    it('of proposals are finite without an object', () => {
      const targets = anchorTargets(Float32Array.of(0, 0, 8, 8), [new Float32Array(0)], () =>
        random(1),
      );
      const { grad } = tf.valueAndGrad(
        (deltas) =>
          proposalLosses({ objectness: tf.zeros([1, 1]), deltas: deltas as tf.Tensor3D }, targets)
            .box,
      )(tf.ones([1, 1, 4]));
      expectClose(grad, [0, 0, 0, 0]);
    });

    it('of boxes find the row of a region and a class in a batch', () => {
      // Of two regions with two classes each the second is of class 1: row 3, alone with ones in it.
      const targets = {
        regions: [],
        labels: Int32Array.of(2, 1),
        objects: Int32Array.of(1),
        deltas: Float32Array.of(0, 0, 0, 0),
      };
      const deltas = tf.tensor2d([
        [9, 9, 9, 9, 9, 9, 9, 9],
        [9, 9, 9, 9, 1, 1, 1, 1],
      ]);
      const logits = tf.zeros<tf.Rank.R2>([2, 3]);
      expectClose(boxLosses({ embedding: logits, logits, deltas }, targets).box, [4 / 2]);
    });

    it('of boxes take the true class’ box of objects, and divide by all regions', () => {
      // Two classes and background; region 0 is of class 1, region 1 background.
      const targets = {
        regions: [],
        labels: Int32Array.of(1, 2),
        objects: Int32Array.of(0),
        deltas: Float32Array.of(1, 1, 1, 1),
      };
      const deltas = tf.tensor2d([
        [9, 9, 9, 9, 1, 1, 1, 3],
        [9, 9, 9, 9, 9, 9, 9, 9],
      ]);
      const logits = tf.zeros<tf.Rank.R2>([2, 3]);
      const { classification, box } = boxLosses({ embedding: logits, logits, deltas }, targets);
      expectClose(classification, [Math.log(3)], 1e-5);
      expectClose(box, [2 / 2]);
      expect(box.rank).to.equal(0);
    });
  });
}
