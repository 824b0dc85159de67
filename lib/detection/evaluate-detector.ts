import * as tf from '@tensorflow/tfjs';
import { cocoEvaluationBatches } from '../coco/batches';
import type { CocoDataset, CocoEvaluationOptions, DetectionItem } from '../coco/data';
import type { CocoDetection } from '../coco/types';
import type { Detector } from './detector';
import { detectObjects, type Detections, type InferenceOptions } from './inference';

export interface DetectorEvaluationOptions
  extends Omit<CocoEvaluationOptions, 'pixels'>, InferenceOptions {
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
