import * as tf from '@tensorflow/tfjs';
import type { Random } from '../engine/random';
import { encodeBoxes, proposalCoding } from './box-coding';
import { type Boxes, joinBoxes, pickBoxes } from './boxes';
import { binaryCrossEntropySum, smoothL1Sum } from './losses';
import { anchorMatching, matchBoxes } from './matching';
import type { ProposalOutput } from './proposal-network';
import { sampleLabels, type SampleOptions } from './sampling';

/** detectron2's: 256 anchors an image, at most half of them objects. */
export const anchorSampling: SampleOptions = { count: 256, objectShare: 0.5 };

/** The sampled anchors of a batch. */
export interface AnchorTargets {
  /** Places in the output, image by image: image · anchors + anchor. */
  readonly objects: Int32Array;
  readonly background: Int32Array;
  /** dx dy dw dh of each of `objects`. */
  readonly deltas: Float32Array;
  /** What sums are divided by: samples an image · images. */
  readonly divisor: number;
}

/** Matches the anchors with each image's true boxes and draws the ones that are trained on. */
export function anchorTargets(
  anchors: Boxes,
  truths: readonly Boxes[],
  randomOf: (image: number) => Random,
  sampling: SampleOptions = anchorSampling,
): AnchorTargets {
  const count = anchors.length / 4;
  const objects: number[] = [];
  const background: number[] = [];
  const deltas = truths.map((truth, image) => {
    const { labels, targets } = matchBoxes(truth, anchors, anchorMatching);
    const sample = sampleLabels(labels, sampling, randomOf(image));
    sample.objects.forEach((place) => objects.push(image * count + place));
    sample.background.forEach((place) => background.push(image * count + place));
    return encodeBoxes(
      pickBoxes(anchors, sample.objects),
      pickBoxes(
        truth,
        sample.objects.map((place) => targets[place] ?? 0),
      ),
      proposalCoding,
    );
  });
  return {
    objects: Int32Array.from(objects),
    background: Int32Array.from(background),
    deltas: joinBoxes(deltas),
    divisor: sampling.count * truths.length,
  };
}

export interface ProposalLosses {
  readonly objectness: tf.Scalar;
  readonly box: tf.Scalar;
}

/** The losses of a proposal network: objectness of all sampled anchors, boxes of the objects among them. */
export function proposalLosses(
  { objectness, deltas }: ProposalOutput,
  { objects, background, deltas: wanted, divisor }: AnchorTargets,
): ProposalLosses {
  const places = Int32Array.from([...objects, ...background]);
  const labels = Float32Array.from(places, (_, index) => (index < objects.length ? 1 : 0));
  const logits = tf.gather(tf.reshape(objectness, [objectness.size]), places);
  const found = gatherRows(tf.reshape(deltas, [deltas.size / 4, 4]), objects);
  return {
    objectness: tf.div(binaryCrossEntropySum(logits, tf.tensor1d(labels)), divisor),
    box: tf.div(smoothL1Sum(found, tf.tensor2d(wanted, [objects.length, 4])), divisor),
  };
}

/** Rows of a matrix, none of them too: the gather of an empty list has no gradient in TensorFlow.js. */
function gatherRows(matrix: tf.Tensor2D, places: Int32Array): tf.Tensor2D {
  return tf.gather(matrix, tf.tensor1d(places, 'int32'));
}
