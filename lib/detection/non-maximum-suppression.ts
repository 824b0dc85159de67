import * as tf from '@tensorflow/tfjs';
import { isNative, nativeOperation, typeAttribute } from '../engine/native';
import { tidied } from '../engine/tidy';
import { boxCount, type Boxes, intersectionOverUnion, pickBoxes } from './boxes';
import { partOfStep } from './stopwatch';

/**
 * Greedy non-maximum suppression: from the highest score down, a box stays unless it overlaps one that
 * stayed by more than `threshold`. Of equal scores the earlier box comes first.
 *
 * @param most stop after so many
 * @returns places of what stays, highest score first
 */
export function suppressOverlaps(
  boxes: Boxes,
  scores: Float32Array,
  threshold: number,
  most: number = scores.length,
): Int32Array {
  if (scores.length === 0) return new Int32Array(0);
  return partOfStep('non-maximum suppression', () =>
    (isNative() ? nativeSuppression : plainSuppression)(boxes, scores, threshold, most),
  );
}

/**
 * The same within each group: boxes of different groups never suppress each other.
 *
 * @param groups one a box: a class, or a level of a pyramid
 * @returns places of what stays in all groups, highest score first
 */
export function suppressWithinGroups(
  boxes: Boxes,
  scores: Float32Array,
  groups: Int32Array,
  threshold: number,
  most: number = scores.length,
): Int32Array {
  const members = new Map<number, number[]>();
  groups.forEach((group, index) => {
    const list = members.get(group);
    if (list) list.push(index);
    else members.set(group, [index]);
  });
  const kept = [...members.values()].flatMap((indices) => {
    const ownScores = Float32Array.from(indices, (index) => scores[index] ?? 0);
    const stays = suppressOverlaps(pickBoxes(boxes, indices), ownScores, threshold, most);
    return [...stays].map((index) => indices[index] ?? 0);
  });
  kept.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  return Int32Array.from(kept.slice(0, most));
}

type Suppression = (
  boxes: Boxes,
  scores: Float32Array,
  threshold: number,
  most: number,
) => Int32Array;

const nativeSuppression: Suppression = (boxes, scores, threshold, most) =>
  tidied(() =>
    nativeOperation(
      'NonMaxSuppressionV3',
      [typeAttribute('T', 'float32'), typeAttribute('T_threshold', 'float32')],
      [
        tf.tensor2d(boxes, [boxCount(boxes), 4]),
        tf.tensor1d(scores),
        tf.scalar(Math.min(most, scores.length), 'int32'),
        tf.scalar(threshold),
        tf.scalar(-Infinity),
      ],
    )
      .dataSync<'int32'>()
      .slice(),
  );

const plainSuppression: Suppression = (boxes, scores, threshold, most) => {
  const order = [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const kept: number[] = [];
  for (const index of order) {
    if (kept.length >= most) break;
    if (kept.every((other) => intersectionOverUnion(boxes, other, boxes, index) <= threshold)) {
      kept.push(index);
    }
  }
  return Int32Array.from(kept);
};
