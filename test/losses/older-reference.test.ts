import * as tf from '@tensorflow/tfjs';
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
import { deterministic } from '../../lib/verify/deterministic';
import { engines, withEngine } from '../support/engine';
import { expectAgrees, named, olderReference } from '../support/older-reference';

interface Expected {
  readonly value: number;
  readonly grad: readonly number[];
}

/** Value and gradient of a loss of one tensor against PyTorch's. */
function expectLoss(loss: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, expected: Expected): void {
  const { value, grad } = tf.valueAndGrad((student: tf.Tensor) => tf.sum(loss(student)))(x);
  expectAgrees(value, [expected.value]);
  expectAgrees(grad, expected.grad);
}

for (const engine of engines) {
  describe(`the older methods' losses against PyTorch's (${engine})`, () => {
    withEngine(engine);

    it("FitNet's hint", () => {
      const teacher = named<tf.Rank.R4>('hint/t', [3, 4, 4, 5], 2);
      expectLoss(
        (x) => hintLoss(x as tf.Tensor4D, teacher),
        named('hint/s', [3, 4, 4, 5], 2),
        olderReference('hint'),
      );
    });

    for (const { name, batch, sizes, scale } of [
      { name: 'wide', batch: 6, sizes: [5, 7], scale: 2 },
      { name: 'far', batch: 7, sizes: [4, 4], scale: 30 },
    ]) {
      it(`RKD, ${name}`, () => {
        const [own = 0, others = 0] = sizes;
        const outlier = Array.from({ length: batch }, (_, row) => [row === 0 ? 12 : 1]);
        const teacher = tf.mul<tf.Tensor2D>(
          named<tf.Rank.R2>(`relational/${name}/t`, [batch, others], 1, 0.5),
          tf.tensor2d(outlier),
        );
        const student = named<tf.Rank.R2>(`relational/${name}/s`, [batch, own], scale);
        const expected = olderReference<Record<'distance' | 'angle' | 'both', Expected>>(
          `relational ${name}`,
        );
        const compare = (part: Expected, weights?: [number, number]): void => {
          const options = weights && { distanceWeight: weights[0], angleWeight: weights[1] };
          expectLoss((x) => relationalLoss(x as tf.Tensor2D, teacher, options), student, part);
        };
        compare(expected.distance, [1, 0]);
        compare(expected.angle, [0, 1]);
        compare(expected.both);
      });
    }

    for (const { name, batch, sizes } of [
      { name: 'wide', batch: 6, sizes: [5, 7] },
      { name: 'two', batch: 2, sizes: [3, 4] },
    ]) {
      it(`PKT, ${name}`, () => {
        const [own = 0, others = 0] = sizes;
        const teacher = named<tf.Rank.R2>(`pkt/${name}/t`, [batch, others], 1, 0.5);
        expectLoss(
          (x) => probabilisticTransferLoss(x as tf.Tensor2D, teacher),
          named(`pkt/${name}/s`, [batch, own], 2),
          olderReference(`pkt ${name}`),
        );
      });
    }

    it("OFD's margins and partial distance", () => {
      const { scale, shift, margins } =
        olderReference<Record<'scale' | 'shift' | 'margins', number[]>>('margins');
      expectAgrees(tf.tensor1d(overhaulMargins(scale, shift)), margins);

      const shallow = named<tf.Rank.R4>('ofd/s0', [2, 4, 4, 3], 2);
      const deep = named<tf.Rank.R4>('ofd/s1', [2, 2, 2, 6], 2);
      const teacher = [
        named<tf.Rank.R4>('ofd/t0', [2, 8, 8, 3], 2),
        named<tf.Rank.R4>('ofd/t1', [2, 2, 2, 6], 2),
      ];
      const marginsOf = (stage: number, channels: number): tf.Tensor1D =>
        tf.tensor1d(
          overhaulMargins(
            deterministic(`ofd/g${stage}`, [channels], 0.5, 0.8),
            deterministic(`ofd/b${stage}`, [channels], 0.5),
          ),
        );
      const both = [marginsOf(0, 3), marginsOf(1, 6)];
      const expected = olderReference<{ value: number; grads: number[][] }>('ofd');
      const { value, grads } = tf.valueAndGrads((...stages: tf.Tensor[]) =>
        featureOverhaulLoss(stages as tf.Tensor4D[], teacher, both),
      )([shallow, deep]);
      expectAgrees(value, [expected.value]);
      grads.forEach((gradient, stage) => expectAgrees(gradient, expected.grads[stage] ?? []));
    });

    it("CRD's contrast, its Z and its memory", () => {
      const expected = olderReference<
        Expected & {
          samples: number[];
          candidates: number[][];
          normaliser: number;
          rows: number[];
        }
      >('crd');
      const memory = named<tf.Rank.R2>('crd/memory', [20, 8], Math.sqrt(3 / 8));
      const drawn = named<tf.Rank.R2>('crd/anchors', [3, 8]);
      const anchors = tf.div<tf.Tensor2D>(drawn, tf.norm(drawn, 2, 1, true));
      const candidates = tf.tensor2d(expected.candidates, undefined, 'int32');
      const normaliser = contrastNormaliser(anchors, { memory, candidates });
      expectAgrees(normaliser, [expected.normaliser]);
      expectLoss(
        (x) => contrastiveLoss(x as tf.Tensor2D, { memory, candidates, normaliser }),
        anchors,
        expected,
      );
      const samples = tf.tensor1d(expected.samples, 'int32');
      const after = updatedMemory(memory, samples, anchors);
      expectAgrees(tf.gather(after, samples), expected.rows);
      const others = Array.from({ length: 20 }, (_, row) => row).filter(
        (row) => !expected.samples.includes(row),
      );
      expectAgrees(tf.gather(after, others), Array.from(tf.gather(memory, others).dataSync()));
    });
  });
}
