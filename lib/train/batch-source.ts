import type {
  BatchSource,
  EvaluationBatch,
  TrainingBatch,
  TrainingBatchRequest,
} from '../data/batch-source-types';
import { epochOrder, evaluationBatches, trainBatchCount, trainingBatch } from '../data/batches';
import type { ImageDataset } from '../data/types';
import { random } from '../engine/random';
import { LabError, unknownName } from '../errors';

export type {
  BatchMix,
  BatchSource,
  EvaluationBatch,
  SplitDescription,
  TrainingBatch,
  TrainingBatchRequest,
} from '../data/batch-source-types';

/** What a run trains on: images that lie in memory, or a source that reads them as it goes. */
export type TrainingData = ImageDataset | BatchSource;

/** What images in memory can be augmented by. */
export const inMemoryAugmentations = ['pad-crop-flip', 'none'] as const;

/** Whether the images are read as training goes on. */
export function isBatchSource(data: TrainingData): data is BatchSource {
  return 'trainingBatches' in data;
}

/** The data as a source of batches, whatever they are. */
export function asBatchSource(data: TrainingData): BatchSource {
  return isBatchSource(data) ? data : inMemorySource(data);
}

/**
 * Batches of a data set in memory, decoded and augmented in this thread: pad 4, crop and flip, or the
 * images as they are. The order of an epoch follows from (seed, epoch), what is drawn for a batch from
 * (seed, epoch, index).
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
export function batchesOfEpoch({ name, train }: TrainingData, batchSize: number): number {
  if (batchSize > train.count) {
    throw new LabError({
      kind: 'option',
      what: 'the batch is larger than the data set',
      found: `a batch of ${batchSize}, ${train.count} training images in ${name}`,
      remedy: 'Give a smaller --batch',
    });
  }
  return trainBatchCount(train.count, { batchSize });
}

async function* trainingBatchesOf(
  dataset: ImageDataset,
  { seed, epoch, firstBatch, batchSize, augmentation }: TrainingBatchRequest,
): AsyncGenerator<TrainingBatch> {
  const order = epochOrder(dataset.train.count, random(seed, 'order', epoch).uniform);
  const batches = trainBatchCount(dataset.train.count, { batchSize });
  for (let index = firstBatch; index < batches; index++) {
    yield await Promise.resolve(
      trainingBatch(
        dataset,
        order.slice(index * batchSize, (index + 1) * batchSize),
        augmentation === 'none' ? undefined : random(seed, 'augmentation', epoch, index).uniform,
      ),
    );
  }
}

async function* evaluationBatchesOf(
  dataset: ImageDataset,
  batchSize: number,
): AsyncGenerator<EvaluationBatch> {
  yield* evaluationBatches(dataset, dataset.test, batchSize);
  await Promise.resolve();
}
