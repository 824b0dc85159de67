import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { readClassFolders } from '../data/folder';
import { type CheckJob, type EvaluationJob, inOrder } from '../data/imagenet/jobs';
import { startThreads, type ThreadPool } from '../data/imagenet/thread-pool';
import { type Preprocessing, preprocessingOf } from '../data/images';
import { isFolder } from '../data/paths';
import type { OnDataProgress } from '../data/progress';
import { tidied } from '../engine/tidy';
import type { LabError } from '../errors';
import { dataError, modelError } from '../errors';
import type { Model } from '../nn/model';
import { rankOf } from './evaluate';

export interface FolderEvaluation {
  /** Percent of the images. */
  readonly top1: number;
  readonly top5: number;
  /** How many were evaluated. */
  readonly images: number;
  /** Files that could not be decoded, with what is wrong with them; only where they may be skipped. */
  readonly leftOut: readonly { readonly file: string; readonly fault: string }[];
}

export interface FolderEvaluationOptions {
  /** The model's classes in its own order, for a folder with only some of them. */
  readonly classes?: readonly string[];
  readonly batchSize?: number;
  /** Decoding threads; default: one less than there are processors, at least one. */
  readonly workers?: number;
  /** Leaves out files that cannot be decoded; default: an error that names the first. */
  readonly skipCorrupt?: boolean;
  readonly onProgress?: OnDataProgress;
}

/** A file with its class as the model counts it. */
interface LabelledFile {
  readonly file: string;
  readonly label: number;
}

const filesInCheck = 256;

/**
 * Evaluates a network on the images of a folder, which are decoded, scaled and cut as it was published.
 *
 * @param folder `CLASS/…`, or a folder with `val/CLASS/…` or `test/CLASS/…` in it; classes in the order of
 *   their names, which for WordNet ids is ImageNet's own.
 * @throws LabError of kind `model` for another number of classes, `data` for a faulty layout or image.
 */
export async function evaluateFolder(
  model: Model,
  folder: string,
  preprocessing: Preprocessing = preprocessingOf(model.name),
  options: FolderEvaluationOptions = {},
): Promise<FolderEvaluation> {
  const { skipCorrupt = false, workers = Math.max(1, availableParallelism() - 1) } = options;
  const listed = labelledFiles(model, folder, options.classes);
  const pool = startThreads(workers);
  try {
    const leftOut = skipCorrupt ? await unreadable(listed, pool) : [];
    const faulty = new Set(leftOut.map(({ file }) => file));
    const files = listed.filter(({ file }) => !faulty.has(file));
    if (files.length === 0) throw nothingLeft(folder, leftOut.length);
    const ranks = await ranksOf(model, files, preprocessing, { ...options, pool });
    const within = (places: number): number =>
      (100 * ranks.filter((rank) => rank < places).length) / files.length;
    return { top1: within(1), top5: within(5), images: files.length, leftOut };
  } finally {
    await pool.dispose();
  }
}

function labelledFiles(
  model: Model,
  folder: string,
  ofModel: readonly string[] | undefined,
): LabelledFile[] {
  const inside = ['val', 'test'].map((name) => join(folder, name)).find(isFolder);
  const { classes, split } = readClassFolders(inside ?? folder);
  const labels = labelsOf(model, classes, ofModel, folder);
  return split.files.map((file, index) => ({
    file,
    label: labels[split.labels[index] ?? -1] ?? -1,
  }));
}

/** Which of the model's classes each folder is. */
function labelsOf(
  { name, classes: count }: Model,
  found: readonly string[],
  ofModel: readonly string[] | undefined,
  where: string,
): number[] {
  const known = ofModel ?? found;
  const stranger = found.find((each) => !known.includes(each));
  if (known.length === count && stranger === undefined) {
    return found.map((each) => known.indexOf(each));
  }
  throw modelError`the model tells other classes apart than the folder holds (${where}): found ${
    stranger === undefined
      ? `${known.length} classes, ${name} knows ${count}`
      : `'${stranger}', which ${name} does not know`
  }. Give the images of its own data set, or the names of its classes for a part of them`;
}

async function unreadable(
  listed: readonly LabelledFile[],
  pool: ThreadPool,
): Promise<{ file: string; fault: string }[]> {
  const files = listed.map(({ file }) => file);
  const faults: { file: string; fault: string }[] = [];
  let at = 0;
  for await (const { reports } of inOrder(
    chunks<CheckJob>(files, filesInCheck, (part) => ({ kind: 'check', files: part })),
    (job) => pool.run(job),
    2 * pool.size,
  )) {
    for (const report of reports) {
      const file = files[at++] ?? '';
      if ('fault' in report) faults.push({ file, fault: report.fault });
    }
  }
  return faults;
}

/** For each file how many classes the model finds likelier than its own. */
async function ranksOf(
  model: Model,
  files: readonly LabelledFile[],
  { evaluation, normalisation }: Preprocessing,
  {
    pool,
    batchSize = 32,
    onProgress,
  }: Pick<FolderEvaluationOptions, 'batchSize' | 'onProgress'> & { pool: ThreadPool },
): Promise<number[]> {
  const side = evaluation.crop;
  const ranks: number[] = [];
  const jobs = chunks<EvaluationJob>(
    files.map(({ file }) => file),
    batchSize,
    (part) => ({ kind: 'evaluation', files: part, preprocessing: evaluation, normalisation }),
  );
  for await (const { images } of inOrder(jobs, (job) => pool.run(job), 2 * pool.size)) {
    const count = images.length / (side * side * 3);
    const logits = tidied(() =>
      model
        .forward(tf.tensor4d(images, [count, side, side, 3]), { training: false })
        .logits.dataSync<'float32'>(),
    );
    for (let row = 0; row < count; row++) {
      const scores = logits.subarray(row * model.classes, (row + 1) * model.classes);
      ranks.push(rankOf(files[ranks.length]?.label ?? -1, scores));
    }
    const done = ranks.length;
    onProgress?.({ message: `measuring ${model.name}`, unit: 'images', done, total: files.length });
  }
  return ranks;
}

function* chunks<Job>(
  files: readonly string[],
  size: number,
  jobOf: (part: string[]) => Job,
): Generator<Job> {
  for (let start = 0; start < files.length; start += size) {
    yield jobOf(files.slice(start, start + size));
  }
}

function nothingLeft(where: string, leftOut: number): LabError {
  return dataError`none of the images can be decoded (${where}): found ${leftOut} files that are damaged or no images. Put whole JPEG or PNG files in their place`;
}
