import * as tf from '@tensorflow/tfjs';
import {
  batchOf,
  type BatchSource,
  drawBatch,
  type DrawnBatch,
  drawnImages,
  epochOrder,
  type EvaluationBatch,
  evaluationBatches,
  trainBatchCount,
  type TrainingBatch,
  type TrainingBatchRequest,
} from '../data/batches';
import { type DrawnJob, inOrder } from '../data/imagenet/jobs';
import { startThreads, type ThreadPool } from '../data/imagenet/thread-pool';
import type { ImageDataset, ImageSplit } from '../data/source';
import type { MixedLabels } from '../distill/term';
import { takesGpuPath } from '../engine/native';
import { random } from '../engine/random';
import { optionError, unknownName } from '../errors';
import type { ForwardMode } from '../nn/layers';

export type {
  BatchMix,
  BatchSource,
  EvaluationBatch,
  SplitDescription,
  TrainingBatch,
  TrainingBatchRequest,
} from '../data/batches';

/** What a run trains on: images that lie in memory, or a source that reads them as it goes. */
export type TrainingData = ImageDataset | BatchSource;

/** What images in memory can be augmented by. */
const inMemoryAugmentations = ['pad-crop-flip', 'none'] as const;

/** Whether the images are read as training goes on. */
export function isBatchSource(data: TrainingData): data is BatchSource {
  return 'trainingBatches' in data;
}

/** The data as a source of batches, whatever they are. */
export function asBatchSource(data: TrainingData): BatchSource {
  return isBatchSource(data) ? data : inMemorySource(data);
}

/**
 * Batches of a data set in memory: pad 4, crop and flip, or the images as they are. The order of an epoch
 * follows from (seed, epoch), what is drawn for a batch from (seed, epoch, index). On a GPU's path a thread
 * makes them ahead, the same bytes.
 *
 * @throws LabError of kind `option` from `trainingBatches` for another augmentation.
 */
export function inMemorySource(dataset: ImageDataset): BatchSource {
  const { name, classes, hash, height, width, train, test } = dataset;
  return {
    name,
    classes,
    hash,
    height,
    width,
    train,
    test,
    trainingBatches(at) {
      requireInMemoryAugmentation(at.augmentation, name);
      return trainingBatchesOf(dataset, at);
    },
    evaluationBatches: ({ batchSize }) => evaluationBatchesOf(dataset, batchSize),
  };
}

/** @throws LabError of kind `option` for an augmentation that images in memory do not have. */
export function requireInMemoryAugmentation(augmentation: string, where: string): void {
  if (inMemoryAugmentations.some((known) => known === augmentation)) return;
  throw unknownName('augmentation of images in memory', augmentation, inMemoryAugmentations, where);
}

/**
 * How many batches an epoch has.
 *
 * @throws LabError of kind `option` when the batch is larger than the data set.
 */
export function batchesOfEpoch(
  { name, train }: TrainingData,
  { batchSize, lastBatch }: Pick<TrainingBatchRequest, 'batchSize' | 'lastBatch'>,
): number {
  if (batchSize > train.count) {
    throw optionError`the batch is larger than the data set: found a batch of ${batchSize}, ${train.count} training images in ${name}. Give a smaller --batch`;
  }
  return trainBatchCount(train.count, { batchSize, lastBatch });
}

async function* trainingBatchesOf(
  dataset: ImageDataset,
  request: TrainingBatchRequest,
): AsyncGenerator<TrainingBatch> {
  const { train } = dataset;
  const drawn = drawnBatches(train.count, request);
  if (takesGpuPath()) {
    yield* inOrder(drawn, madeInThread(dataset), batchesAhead);
    return;
  }
  for (const batch of drawn) {
    yield await Promise.resolve(batchOf(dataset, batch, drawnImages(dataset, train, batch)));
  }
}

function* drawnBatches(
  count: number,
  { seed, epoch, firstBatch, batchSize, augmentation, lastBatch }: TrainingBatchRequest,
): Generator<DrawnBatch> {
  const order = epochOrder(count, random(seed, 'order', epoch).uniform);
  const batches = trainBatchCount(count, { batchSize, lastBatch });
  for (let index = firstBatch; index < batches; index++) {
    yield drawBatch(
      order.slice(index * batchSize, (index + 1) * batchSize),
      augmentation === 'none' ? undefined : random(seed, 'augmentation', epoch, index).uniform,
    );
  }
}

const batchesAhead = 3;
let batchThread: ThreadPool | undefined;
const sharedSplits = new WeakMap<ImageSplit, DrawnJob['split']>();

/** Makes batches in the process's one thread for them, which keeps no process alive. */
function madeInThread(dataset: ImageDataset): (batch: DrawnBatch) => Promise<TrainingBatch> {
  const { height, width, mean, std, train } = dataset;
  const form = { height, width, mean, std };
  const pool = (batchThread ??= startThreads(1));
  const split = sharedSplits.get(train) ?? shared(train);
  sharedSplits.set(train, split);
  return async (batch) => {
    const { images } = await pool.run({ kind: 'drawn', form, split, batch });
    return batchOf(dataset, batch, images);
  };
}

/** The pixels of a split where threads reach them without copies. */
function shared({ images, count }: ImageSplit): DrawnJob['split'] {
  const copy = new Uint8Array(new SharedArrayBuffer(images.length));
  copy.set(images);
  return { images: copy, count };
}

async function* evaluationBatchesOf(
  dataset: ImageDataset,
  batchSize: number,
): AsyncGenerator<EvaluationBatch> {
  yield* evaluationBatches(dataset, dataset.test, batchSize);
  await Promise.resolve();
}

/** One batch, as bytes became numbers. */
export interface Batch {
  /** [size, height, width, 3], normalised. */
  readonly images: tf.Tensor4D;
  /** [size], int32 */
  readonly labels: tf.Tensor1D;
  /** Places of the samples in the training set; needed by methods that remember each sample's norm. */
  readonly indices?: Int32Array;
  /** How the images were joined, where they were. */
  readonly mix?: Pick<MixedLabels, 'partners' | 'lambda'>;
  /** Which view of its training image each is, where the views can be counted. */
  readonly views?: Int32Array;
  /** Of a part of a larger batch: its share of the replicas, and whether running statistics move by it. */
  readonly norms?: Pick<ForwardMode, 'replicas' | 'moving'>;
}

/** Batches as tensors; each is freed when the next one is asked for. */
export async function* batchTensors(
  source: AsyncIterable<TrainingBatch>,
  size: { readonly height: number; readonly width: number },
): AsyncGenerator<Batch, void> {
  for await (const read of source) {
    const batch = tensorsOf(read, size);
    try {
      yield batch;
    } finally {
      tf.dispose([batch.images, batch.labels, batch.mix?.partners, batch.mix?.lambda]);
    }
  }
}

function tensorsOf(
  { images, labels, indices, count, mix, views }: TrainingBatch,
  { height, width }: { readonly height: number; readonly width: number },
): Batch {
  const tensors = {
    images: tf.tensor4d(images, [count, height, width, 3]),
    labels: tf.tensor1d(labels, 'int32'),
    indices,
    views,
  };
  if (mix === undefined) return tensors;
  const partners = mix.partner.map((row) => labels[row] ?? -1);
  return {
    ...tensors,
    mix: { partners: tf.tensor1d(partners, 'int32'), lambda: tf.tensor1d(mix.lambda) },
  };
}

/**
 * A batch in parts of at most `size` samples, in its own order; the batch itself where it is no larger.
 * The parts' tensors belong to the tidy around it.
 */
export function microBatches(batch: Batch, size: number): Batch[] {
  const [count] = batch.labels.shape;
  if (size >= count) return [batch];
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, part) => part * size);
  return starts.map((start) => {
    const length = Math.min(size, count - start);
    const { images, labels, indices, mix, views } = batch;
    return {
      images: tf.slice(images, start, length),
      labels: tf.slice(labels, start, length),
      indices: indices?.slice(start, start + length),
      views: views?.slice(start, start + length),
      ...(mix
        ? {
            mix: {
              partners: tf.slice(mix.partners, start, length),
              lambda: tf.slice(mix.lambda, start, length),
            },
          }
        : {}),
    };
  });
}
