import { availableParallelism, totalmem } from 'node:os';
import { basename, resolve } from 'node:path';
import { random } from '../../engine/random';
import { optionError } from '../../errors';
import { sha256 } from '../../files';
import {
  type BatchSource,
  epochOrder,
  type EvaluationBatch,
  requireBatchSize,
  type SplitDescription,
  trainBatchCount,
  type TrainingBatch,
  type TrainingBatchRequest,
} from '../batches';
import { folderPrefix } from '../folder';
import type { OnDataProgress } from '../progress';
import { nameWithSubset, type Subset } from '../source';
import { augmentationNamed } from './augmentation';
import { type CheckedFolder, checkFolder, folderNotes } from './check-folder';
import type { EvaluationPreprocessing } from './decode';
import { type FileSplit, hashImageFolder, readImageFolder } from './image-folder';
import {
  type EvaluationJob,
  imagenetNormalisation,
  inOrder,
  type Normalisation,
  pixelCache,
  roomOf,
  type TrainingJob,
} from './jobs';
import { startThreads, type ThreadPool } from './thread-pool';

export interface ImageFolderOptions {
  /** With `train/CLASS/…` and `val/CLASS/…` or `test/CLASS/…`. */
  readonly root: string;
  /** As runs record the data; default: `folder:` and the folder's own name, without the place where it lies. */
  readonly name?: string;
  /** Side of training images; default 224. */
  readonly trainSize?: number;
  /** Default: short side scaled to 8/7 of the training size, the training size cut out, bilinear. */
  readonly evaluation?: EvaluationPreprocessing;
  /** Default: that of ImageNet. */
  readonly normalisation?: Normalisation;
  /** Decoding threads; default: one less than there are processors, at least one. */
  readonly workers?: number | undefined;
  /** Leaves out files that cannot be decoded; default: an error that names them. */
  readonly skipCorrupt?: boolean | undefined;
  /** Most bytes of decoded images that are kept in memory; default: an eighth of the machine's memory. */
  readonly cacheBytes?: number | undefined;
  readonly subset?: Subset | undefined;
  readonly onProgress?: OnDataProgress | undefined;
}

/** An image folder that is decoded as training goes on. */
export interface ImageFolderSource extends BatchSource, Pick<CheckedFolder, 'counts' | 'leftOut'> {
  readonly workers: number;
  readonly evaluation: EvaluationPreprocessing;
  readonly normalisation: Normalisation;
  /** Images that are decoded once and then kept in memory, and the bytes that they take. */
  readonly cached: { readonly images: number; readonly bytes: number };
  dispose(): Promise<void>;
}

/** Share of the machine's memory that batches decoded ahead may take, and that decoded images may. */
const memoryShare = 1 / 8;
/** What one buffer can hold everywhere. */
const largestCache = 2 ** 32 - 1;
const bytesOfNumber = 4;

/**
 * Opens an image folder as a source of batches: lists it, looks at every file, and starts the threads that
 * decode. Up to two batches for each thread are made ahead of the trainer, fewer where they would take more
 * than an eighth of the machine's memory. The same request gives the same bytes whatever the number of
 * threads. Its hash is that of the files (`hashImageFolder`) with all that decides what becomes of them.
 *
 * @throws LabError of kind `data` for a faulty layout or a file that cannot be decoded, `option` for
 *   settings that cannot be.
 */
export async function imageFolderSource(options: ImageFolderOptions): Promise<ImageFolderSource> {
  const {
    root,
    trainSize = 224,
    evaluation = {
      resize: Math.round((trainSize * 8) / 7),
      crop: trainSize,
      interpolation: 'bilinear',
    },
    normalisation = imagenetNormalisation,
    workers = Math.max(1, availableParallelism() - 1),
    skipCorrupt = false,
    cacheBytes = totalmem() * memoryShare,
    subset,
    onProgress,
  } = options;
  requireWhole('the number of decoding threads', workers, 256);
  requireWhole('the size of training images', trainSize, 4096);
  requireEvaluation(evaluation);
  const listed = readImageFolder(root, subset);
  const pool = startThreads(workers);
  try {
    const { folder, sizes, counts, leftOut } = await checkFolder(listed, pool, {
      skipCorrupt,
      onProgress,
    });
    const { train, test, classes } = folder;
    const cache = pixelCache(sizes, Math.min(cacheBytes, largestCache));
    const cached = cache ? roomOf(cache) : { images: 0, bytes: 0 };
    const name = nameWithSubset(options.name ?? folderName(root), subset);
    const ahead = (batchSize: number, side: number): number =>
      batchesAhead(workers, batchSize * side * side * 3 * bytesOfNumber);
    return {
      name,
      classes,
      hash: sha256(
        JSON.stringify({ files: hashImageFolder(folder), trainSize, evaluation, normalisation }),
      ),
      height: trainSize,
      width: trainSize,
      train: describe(train),
      test: describe(test),
      counts,
      leftOut,
      workers,
      evaluation,
      normalisation,
      cached,
      notes: folderNotes({ counts, leftOut, cached, images: sizes.length }),
      trainingBatches(at) {
        augmentationNamed(at.augmentation);
        requireBatchSize(name, at.batchSize);
        const jobs = trainingJobs(train, at, { size: trainSize, normalisation, cache });
        return trainingBatches(train, pool, jobs, ahead(at.batchSize, trainSize));
      },
      evaluationBatches({ batchSize, interpolation = evaluation.interpolation }) {
        requireBatchSize(name, batchSize);
        const jobs = evaluationJobs(test, batchSize, {
          preprocessing: { ...evaluation, interpolation },
          normalisation,
          cache,
          firstPlace: train.files.length,
        });
        return evaluationBatches(test, pool, jobs, ahead(batchSize, evaluation.crop));
      },
      dispose: () => pool.dispose(),
    };
  } catch (error) {
    await pool.dispose();
    throw error;
  }
}

/** `folder:tiny-imagenet-20` of `/data/tiny-imagenet-20/`: the same wherever it lies. */
export function folderName(root: string): string {
  return `${folderPrefix}${basename(resolve(root))}`;
}

function describe({ files, labels }: FileSplit): SplitDescription {
  return { count: files.length, labels };
}

function batchesAhead(workers: number, batchBytes: number): number {
  const fitting = Math.floor((totalmem() * memoryShare) / batchBytes);
  return Math.max(2, Math.min(2 * workers, fitting));
}

function* trainingJobs(
  { files }: FileSplit,
  { seed, epoch, firstBatch, batchSize, augmentation, lastBatch }: TrainingBatchRequest,
  settings: Pick<TrainingJob, 'size' | 'normalisation' | 'cache'>,
): Generator<TrainingJob> {
  const order = epochOrder(files.length, random(seed, 'order', epoch).uniform);
  const batches = trainBatchCount(files.length, { batchSize, lastBatch });
  for (let batch = firstBatch; batch < batches; batch++) {
    const indices = order.slice(batch * batchSize, (batch + 1) * batchSize);
    const named = Array.from(indices, (index) => files[index] ?? '');
    const drawn = { indices, seed, epoch, batch, augmentation };
    yield { kind: 'training', files: named, ...drawn, ...settings };
  }
}

function trainingBatches(
  { labels }: FileSplit,
  pool: ThreadPool,
  jobs: Iterable<TrainingJob>,
  ahead: number,
): AsyncGenerator<TrainingBatch> {
  const made = async (job: TrainingJob): Promise<TrainingBatch> => {
    const { indices } = job;
    return { indices, ...(await pool.run(job)), ...labelled(indices, labels) };
  };
  return inOrder(jobs, made, ahead);
}

function* evaluationJobs(
  { files }: FileSplit,
  batchSize: number,
  { firstPlace, ...settings }: Omit<EvaluationJob, 'kind' | 'files'> & { firstPlace: number },
): Generator<EvaluationJob> {
  for (let start = 0; start < files.length; start += batchSize) {
    yield {
      kind: 'evaluation',
      files: files.slice(start, start + batchSize),
      firstPlace: firstPlace + start,
      ...settings,
    };
  }
}

async function* evaluationBatches(
  { labels }: FileSplit,
  pool: ThreadPool,
  jobs: Iterable<EvaluationJob>,
  ahead: number,
): AsyncGenerator<EvaluationBatch> {
  const made = inOrder(
    jobs,
    async (job) => ({ count: job.files.length, ...(await pool.run(job)) }),
    ahead,
  );
  let start = 0;
  for await (const { images, count } of made) {
    const indices = Int32Array.from({ length: count }, (_, index) => start + index);
    start += count;
    yield { images, indices, ...labelled(indices, labels) };
  }
}

function labelled(
  indices: Int32Array,
  labels: Int32Array,
): { readonly labels: Int32Array; readonly count: number } {
  return { labels: indices.map((index) => labels[index] ?? -1), count: indices.length };
}

function requireEvaluation({ resize, crop }: EvaluationPreprocessing): void {
  requireWhole('the size that images are scaled to', resize, 4096);
  requireWhole('the side that is cut out', crop, resize);
}

function requireWhole(what: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw optionError`${what} is not a whole number from 1 to ${most}: found ${String(value)}. Give such a number`;
}
