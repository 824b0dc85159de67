import * as tf from '@tensorflow/tfjs';
import { tidied } from '../engine/tidy';
import {
  boxArea,
  boxCount,
  type Boxes,
  clipBoxes,
  decodeBoxes,
  finalCoding,
  type ImageSize,
  pickBoxes,
} from './boxes';
import type { CocoDetection } from './coco/annotations';
import { cocoEvaluationBatches } from './coco/batches';
import type { CocoDataset, CocoEvaluationOptions, DetectionItem } from './coco/data';
import type { Detector } from './detector';
import { suppressWithinGroups } from './non-maximum-suppression';
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

interface InferenceOptions {
  /** Scores up to this are dropped (0.05). */
  readonly leastScore?: number;
  /** Overlap above which the lower one of a class goes (0.5). */
  readonly threshold?: number;
  /** Most objects of an image (100). */
  readonly most?: number;
  readonly proposals?: ProposalOptions;
}

/** What inference must know of an image of the batch. */
type InferenceItem = Pick<DetectionItem, 'height' | 'width' | 'originalHeight' | 'originalWidth'>;

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

function pick({ boxes, labels, scores }: Detections, indices: ArrayLike<number>): Detections {
  const list = Array.from(indices);
  return {
    boxes: pickBoxes(boxes, list),
    labels: Int32Array.from(list, (index) => labels[index] ?? 0),
    scores: Float32Array.from(list, (index) => scores[index] ?? 0),
  };
}

/** How a data set is detected. */
export interface DetectorEvaluationOptions
  extends Omit<CocoEvaluationOptions, 'pixels'>, InferenceOptions {
  /** Told of the images that are done. */
  readonly onImages?: (done: number, total: number) => void;
}

/** Runs a detector over every image of a data set; what it finds is ready for `evaluateCoco`. */
export async function detectDataset(
  detector: Detector,
  dataset: CocoDataset,
  { onImages, ...options }: DetectorEvaluationOptions,
): Promise<CocoDetection[]> {
  const found: CocoDetection[] = [];
  let done = 0;
  const batches = cocoEvaluationBatches(dataset, { ...options, pixels: detector.pixels });
  for await (const { images, height, width, items } of batches) {
    const tensor = tf.tensor4d(images, [items.length, height, width, 3]);
    const detections = detectObjects(detector, tensor, items, options);
    tensor.dispose();
    items.forEach((item, index) => {
      const ofImage = detections[index];
      if (ofImage) found.push(...inCocoForm(ofImage, item, dataset));
    });
    done += items.length;
    onImages?.(done, dataset.entries.length);
  }
  return found;
}

function inCocoForm(
  { boxes, labels, scores }: Detections,
  { imageId }: DetectionItem,
  { categories }: CocoDataset,
): CocoDetection[] {
  return [...labels].map((label, index) => {
    const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(4 * index, 4 * index + 4);
    const category = categories[label];
    if (category === undefined) throw new Error(`a class ${label} that the data set does not have`);
    return {
      imageId,
      categoryId: category.id,
      box: [left, top, right - left, bottom - top] as const,
      score: scores[index] ?? 0,
    };
  });
}
