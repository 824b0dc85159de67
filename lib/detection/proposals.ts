import * as tf from '@tensorflow/tfjs';
import { tidied } from '../engine/tidied';
import { decodeBoxes, proposalCoding } from './box-coding';
import { type Boxes, clipBoxes, type ImageSize, joinBoxes, pickBoxes, soundBoxes } from './boxes';
import { suppressWithinGroups } from './operations/non-maximum-suppression';
import type { ProposalOutput } from './proposal-network';

export interface ProposalOptions {
  /** Highest scores that are looked at on each level. */
  readonly before: number;
  /** Proposals that are kept of an image. */
  readonly after: number;
  /** Overlap above which the lower one goes. */
  readonly threshold: number;
}

/** Proposals of one image, highest objectness first. */
export interface Proposals {
  readonly boxes: Boxes;
  readonly scores: Float32Array;
}

/**
 * Proposals out of a proposal network's output: on each level the best anchors are decoded, cut at the
 * image's edges and thinned out within their level; the best of all levels are kept.
 *
 * @param anchors of each level, as the output has them
 * @param sizes of the images without their padding
 */
export function findProposals(
  { objectness, deltas }: ProposalOutput,
  anchors: readonly Boxes[],
  sizes: readonly ImageSize[],
  options: ProposalOptions,
): Proposals[] {
  const candidates = anchors.map((level, index) => {
    const start = anchors.slice(0, index).reduce((sum, { length }) => sum + length / 4, 0);
    return bestOfLevel({ objectness, deltas }, level, start, options.before);
  });
  return sizes.map((size, image) => {
    const own = candidates.map(
      (level) => level[image] ?? { boxes: new Float32Array(0), scores: new Float32Array(0) },
    );
    const boxes = clipBoxes(joinBoxes(own.map((level) => level.boxes)), size);
    const scores = Float32Array.from(own.flatMap((level) => [...level.scores]));
    const levels = Int32Array.from(
      own.flatMap((level, index) => Array.from(level.scores, () => index)),
    );
    const sound = soundBoxes(boxes, scores);
    const soundOnes = pickBoxes(boxes, sound);
    const soundScores = Float32Array.from(sound, (place) => scores[place] ?? 0);
    const kept = suppressWithinGroups(
      soundOnes,
      soundScores,
      Int32Array.from(sound, (place) => levels[place] ?? 0),
      options.threshold,
      options.after,
    );
    return {
      boxes: pickBoxes(soundOnes, kept),
      scores: Float32Array.from(kept, (place) => soundScores[place] ?? 0),
    };
  });
}

function bestOfLevel(
  { objectness, deltas }: ProposalOutput,
  anchors: Boxes,
  start: number,
  most: number,
): Proposals[] {
  const [batch] = objectness.shape;
  const count = anchors.length / 4;
  const best = Math.min(most, count);
  const found = tidied(() => {
    const { values, indices } = tf.topk(tf.slice(objectness, [0, start], [batch, count]), best);
    const rows = tf.reshape(tf.slice(deltas, [0, start, 0], [batch, count, 4]), [batch * count, 4]);
    const offsets = tf.mul(tf.range(0, batch, 1, 'int32').expandDims(1), tf.scalar(count, 'int32'));
    const chosen = tf.gather(rows, tf.reshape(tf.add(indices, offsets), [-1]) as tf.Tensor1D);
    return {
      scores: values.dataSync<'float32'>().slice(),
      places: indices.dataSync<'int32'>().slice(),
      deltas: chosen.dataSync<'float32'>().slice(),
    };
  });
  return Array.from({ length: batch }, (_, image) => {
    const from = image * best;
    const places = found.places.subarray(from, from + best);
    const chosen = found.deltas.subarray(4 * from, 4 * (from + best));
    return {
      boxes: decodeBoxes(pickBoxes(anchors, places), chosen, proposalCoding),
      scores: found.scores.subarray(from, from + best),
    };
  });
}
