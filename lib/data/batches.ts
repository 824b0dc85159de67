import { LabError } from '../errors';
import { augmentBatch, plainBatch, type Uniform } from './augment';
import type { ImageDataset, ImageSplit } from './types';

/** Normalised images with their labels. */
export interface Batch {
  /** `count × height × width × 3`, owned by the caller. */
  readonly images: Float32Array;
  readonly labels: Int32Array;
  /** Where in the split each image lies. */
  readonly indices: Int32Array;
  readonly count: number;
}

/** A random order of `count` indices (Fisher and Yates): `count − 1` draws. */
export function epochOrder(count: number, random: Uniform): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}

/**
 * How many batches an epoch of training has, the last one perhaps short. A last batch of a single image
 * is left out, unless the batch size is one, because batch norm has no variance over it.
 */
export function trainBatchCount(count: number, { batchSize }: { batchSize: number }): number {
  return Math.floor(count / batchSize) + (count % batchSize > 1 ? 1 : 0);
}

/**
 * The training images at these places with their labels, normalised; padded, cropped and flipped with
 * three draws an image when `random` is given.
 */
export function trainingBatch(dataset: ImageDataset, indices: Int32Array, random?: Uniform): Batch {
  const { train } = dataset;
  const images = random
    ? augmentBatch(dataset, train, indices, random)
    : plainBatch(dataset, train, indices);
  return { images, labels: labelsAt(train, indices), indices, count: indices.length };
}

/** The images of a split in their own order, normalised and not augmented; the last batch may be short. */
export function evaluationBatches(
  dataset: ImageDataset,
  split: ImageSplit,
  batchSize: number,
): IterableIterator<Batch> {
  requireBatchSize(dataset.name, batchSize);
  return generateEvaluationBatches(dataset, split, batchSize);
}

function* generateEvaluationBatches(
  dataset: ImageDataset,
  split: ImageSplit,
  batchSize: number,
): IterableIterator<Batch> {
  for (let start = 0; start < split.count; start += batchSize) {
    const count = Math.min(batchSize, split.count - start);
    const indices = Int32Array.from({ length: count }, (_, place) => start + place);
    const images = plainBatch(dataset, split, indices);
    yield { images, labels: labelsAt(split, indices), indices, count };
  }
}

function labelsAt({ labels }: ImageSplit, indices: Int32Array): Int32Array {
  return indices.map((index) => labels[index] ?? -1);
}

/** @throws LabError of kind `option` unless it is a whole number of at least 1. */
export function requireBatchSize(name: string, batchSize: number): void {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return;
  throw new LabError({
    kind: 'option',
    what: 'the batch size is not a whole number of at least 1',
    where: `data set '${name}'`,
    found: String(batchSize),
    remedy: 'Give a number such as 64',
  });
}
