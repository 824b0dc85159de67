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

export interface TrainBatchesOptions {
  readonly batchSize: number;
  /** Uniform in [0, 1); draws the order first, then three numbers an image if augmenting. */
  readonly random: Uniform;
  /** Pad, crop and flip; default true. */
  readonly augment?: boolean;
  /** Leave out a last batch that is not full, as PyTorch's option of this name; default false. */
  readonly dropLast?: boolean;
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
 * How many batches an epoch of training has. A last batch of a single image is left out, unless the
 * batch size is one, because batch norm has no variance over it.
 */
export function trainBatchCount(
  count: number,
  { batchSize, dropLast = false }: Pick<TrainBatchesOptions, 'batchSize' | 'dropLast'>,
): number {
  const rest = count % batchSize;
  return Math.floor(count / batchSize) + (rest > 1 && !dropLast ? 1 : 0);
}

/**
 * The batches of one epoch of training, in a random order, each made when it is asked for. The last
 * one may be short, see `trainBatchCount`.
 *
 * @throws LabError of kind `option` when the batch size is no whole number from 1 to the size of the
 *   split.
 */
export function trainBatches(
  dataset: ImageDataset,
  options: TrainBatchesOptions,
): IterableIterator<Batch> {
  requireBatchSize(dataset, dataset.train, options.batchSize);
  return generateTrainBatches(dataset, options);
}

/** The images of a split in their own order, normalised and not augmented; the last batch may be short. */
export function evaluationBatches(
  dataset: ImageDataset,
  split: ImageSplit,
  batchSize: number,
): IterableIterator<Batch> {
  requireWhole(dataset, batchSize);
  return generateEvaluationBatches(dataset, split, batchSize);
}

function* generateTrainBatches(
  dataset: ImageDataset,
  { batchSize, random, augment = true, dropLast = false }: TrainBatchesOptions,
): IterableIterator<Batch> {
  const { train } = dataset;
  const order = epochOrder(train.count, random);
  const batches = trainBatchCount(train.count, { batchSize, dropLast });
  for (let batch = 0; batch < batches; batch++) {
    const indices = order.slice(batch * batchSize, (batch + 1) * batchSize);
    const images = augment
      ? augmentBatch(dataset, train, indices, random)
      : plainBatch(dataset, train, indices);
    yield { images, labels: labelsAt(train, indices), indices, count: indices.length };
  }
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

function requireBatchSize(dataset: ImageDataset, split: ImageSplit, batchSize: number): void {
  requireWhole(dataset, batchSize);
  if (batchSize <= split.count) return;
  throw new LabError({
    kind: 'option',
    what: 'the batch is larger than the data set',
    where: `data set '${dataset.name}'`,
    found: `batch size ${batchSize}, ${split.count} training images`,
    remedy: `Take a batch size of at most ${split.count}`,
  });
}

function requireWhole({ name }: ImageDataset, batchSize: number): void {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return;
  throw new LabError({
    kind: 'option',
    what: 'the batch size is not a whole number of at least 1',
    where: `data set '${name}'`,
    found: String(batchSize),
    remedy: 'Give a number such as 64',
  });
}
