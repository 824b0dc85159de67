import * as tf from '@tensorflow/tfjs';
import type { DetectionItem } from '../coco/data';
import { tidied } from '../engine/tidied';
import { decodeBoxes, finalCoding } from './box-coding';
import { type Boxes, boxArea, boxCount, clipBoxes, type ImageSize, pickBoxes } from './boxes';
import type { Detector } from './detector';
import { suppressWithinGroups } from './operations/non-maximum-suppression';
import { findProposals, type ProposalOptions } from './proposals';

/** detectron2's: what is proposed when a detector is used. */
export const testingProposals: ProposalOptions = { before: 1000, after: 1000, threshold: 0.7 };

/** The objects found in one image, most certain first. */
export interface Detections {
  /** In the pixels of the image as it was before resizing. */
  readonly boxes: Boxes;
  readonly labels: Int32Array;
  readonly scores: Float32Array;
}

export interface InferenceOptions {
  /** Scores up to this are dropped (0.05). */
  readonly leastScore?: number;
  /** Overlap above which the lower one of a class goes (0.5). */
  readonly threshold?: number;
  /** Most objects of an image (100). */
  readonly most?: number;
  readonly proposals?: ProposalOptions;
}

/** What inference must know of an image of the batch. */
export type InferenceItem = Pick<
  DetectionItem,
  'height' | 'width' | 'originalHeight' | 'originalWidth'
>;

/**
 * Finds the objects in a batch of images.
 *
 * @param images [batch, height, width, 3], normalised as `detector.pixels` says
 * @param items sizes of each image without its padding, and before resizing
 */
export function detectObjects(
  detector: Detector,
  images: tf.Tensor4D,
  items: readonly InferenceItem[],
  options: InferenceOptions = {},
): Detections[] {
  return tidied(() => {
    const pyramid = detector.pyramid(detector.frozen(images), { training: false });
    const proposals = findProposals(
      detector.propose(pyramid),
      detector.anchors(pyramid),
      items,
      options.proposals ?? testingProposals,
    ).map(({ boxes }) => boxes);
    const { logits, deltas } = detector.detect(pyramid, proposals);
    const scores = tf.softmax(logits).dataSync<'float32'>();
    const steps = deltas.dataSync<'float32'>();
    let first = 0;
    return items.map((item, image) => {
      const regions = proposals[image] ?? new Float32Array(0);
      const start = first;
      first += boxCount(regions);
      const found = candidates(detector.classes, regions, item, {
        scores: scores.subarray(start * (detector.classes + 1), first * (detector.classes + 1)),
        deltas: steps.subarray(4 * start * detector.classes, 4 * first * detector.classes),
        leastScore: options.leastScore ?? 0.05,
      });
      return toOriginal(best(found, options), item);
    });
  });
}

function candidates(
  classes: number,
  regions: Boxes,
  size: ImageSize,
  {
    scores,
    deltas,
    leastScore,
  }: { scores: Float32Array; deltas: Float32Array; leastScore: number },
): Detections {
  const labels: number[] = [];
  const chosen: number[] = [];
  const kept: number[] = [];
  for (let region = 0; region < boxCount(regions); region++) {
    for (let label = 0; label < classes; label++) {
      const score = scores[region * (classes + 1) + label] ?? 0;
      if (!(score > leastScore)) continue;
      labels.push(label);
      chosen.push(region);
      kept.push(score);
    }
  }
  const steps = pickBoxes(
    deltas,
    chosen.map((region, index) => region * classes + (labels[index] ?? 0)),
  );
  const boxes = clipBoxes(decodeBoxes(pickBoxes(regions, chosen), steps, finalCoding), size);
  return { boxes, labels: Int32Array.from(labels), scores: Float32Array.from(kept) };
}

function best(
  { boxes, labels, scores }: Detections,
  { threshold = 0.5, most = 100 }: InferenceOptions,
): Detections {
  const kept = suppressWithinGroups(boxes, scores, labels, threshold, most);
  return pick({ boxes, labels, scores }, kept);
}

function toOriginal(found: Detections, item: InferenceItem): Detections {
  const x = item.originalWidth / item.width;
  const y = item.originalHeight / item.height;
  const scaled = found.boxes.map((edge, index) => edge * (index % 2 === 0 ? x : y));
  const boxes = clipBoxes(scaled, { height: item.originalHeight, width: item.originalWidth });
  const sound = [...found.labels.keys()].filter((index) => boxArea(boxes, index) > 0);
  return pick({ ...found, boxes }, sound);
}

function pick({ boxes, labels, scores }: Detections, places: ArrayLike<number>): Detections {
  const list = Array.from(places);
  return {
    boxes: pickBoxes(boxes, list),
    labels: Int32Array.from(list, (place) => labels[place] ?? 0),
    scores: Float32Array.from(list, (place) => scores[place] ?? 0),
  };
}
