import * as tf from '@tensorflow/tfjs';
import type { Random } from '../engine/random';
import { crossEntropyLoss } from '../losses';
import { encodeBoxes, finalCoding } from './box-coding';
import type { BoxOutput } from './box-head';
import { type Boxes, boxCount, joinBoxes, pickBoxes } from './boxes';
import { smoothL1Sum } from './losses';
import { matchBoxes, proposalMatching } from './matching';
import { sampleLabels, type SampleOptions } from './sampling';

/** detectron2's: 512 proposals an image, at most a quarter of them objects. */
export const proposalSampling: SampleOptions = { count: 512, objectShare: 0.25 };

/** An image's true objects. */
export interface Truth {
  readonly boxes: Boxes;
  readonly labels: Int32Array;
}

/** The sampled proposals of a batch and what each should become. */
export interface ProposalTargets {
  /** One list an image. */
  readonly regions: readonly Boxes[];
  /** Of all regions, image after image: a class, or the number of classes for background. */
  readonly labels: Int32Array;
  /** Places of the regions that are objects, and their dx dy dw dh. */
  readonly objects: Int32Array;
  readonly deltas: Float32Array;
}

/**
 * Adds the true boxes to each image's proposals, matches them all, and draws the ones that are trained
 * on.
 */
export function proposalTargets(
  proposals: readonly Boxes[],
  truths: readonly Truth[],
  {
    classes,
    randomOf,
    sampling = proposalSampling,
  }: {
    readonly classes: number;
    readonly randomOf: (image: number) => Random;
    readonly sampling?: SampleOptions;
  },
): ProposalTargets {
  const labels: number[] = [];
  const objects: number[] = [];
  const deltas: Float32Array[] = [];
  const regions = truths.map((truth, image) => {
    const candidates = joinBoxes([proposals[image] ?? new Float32Array(0), truth.boxes]);
    const matches = matchBoxes(truth.boxes, candidates, proposalMatching);
    const sample = sampleLabels(matches.labels, sampling, randomOf(image));
    const targets = sample.objects.map((place) => matches.targets[place] ?? 0);
    const chosen = pickBoxes(candidates, sample.objects);
    targets.forEach((target) => {
      objects.push(labels.length);
      labels.push(truth.labels[target] ?? classes);
    });
    sample.background.forEach(() => labels.push(classes));
    deltas.push(encodeBoxes(chosen, pickBoxes(truth.boxes, targets), finalCoding));
    return joinBoxes([chosen, pickBoxes(candidates, sample.background)]);
  });
  return {
    regions,
    labels: Int32Array.from(labels),
    objects: Int32Array.from(objects),
    deltas: joinBoxes(deltas),
  };
}

export interface BoxLosses {
  readonly classification: tf.Scalar;
  readonly box: tf.Scalar;
}

/**
 * Cross entropy over all sampled regions, and smooth L1 of the true class' box of the objects among
 * them; both divided by the number of regions.
 */
export function boxLosses(
  { logits, deltas }: BoxOutput,
  { labels, objects, deltas: wanted }: ProposalTargets,
): BoxLosses {
  const classes = deltas.shape[1] / 4;
  const rows = objects.map((region) => region * classes + (labels[region] ?? 0));
  const found = tf.gather(
    tf.reshape(deltas, [labels.length * classes, 4]),
    tf.tensor1d(rows, 'int32'),
  );
  return {
    classification: crossEntropyLoss(logits, tf.tensor1d(labels, 'int32')),
    box: tf.div(
      smoothL1Sum(found, tf.tensor2d(wanted, [boxCount(wanted), 4])),
      Math.max(1, labels.length),
    ),
  };
}
