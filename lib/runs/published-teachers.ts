import type { OnDataProgress } from '../data/progress';
import type { ImageDataset } from '../data/source';
import type { FetchedTeacher } from '../data/teachers';
import { LabError } from '../errors';
import type { Model } from '../nn/model';
import { paperTable } from '../paper';
import { evaluate } from '../train/evaluate';
import { loadTrainedModel } from './classification-teacher';

const batchSize = 250;
/** Classes of CIFAR-100. */
const classes = 100;

/** A published teacher after it was loaded, and measured where its data set is there. */
export interface MeasuredTeacher extends FetchedTeacher {
  /** Percent; null when it was not measured. */
  readonly top1: number | null;
  /** What the paper prints; null where it prints nothing. */
  readonly paper: number | null;
  /** What a reader must know before using it; null when all is well. */
  readonly warning: string | null;
  /** Why it cannot be loaded; null when it can. */
  readonly fault: string | null;
}

/**
 * Loads a published teacher into its model, without running code of the file, and measures its top-1
 * accuracy on CIFAR-100's test images where they are given.
 */
export async function measureTeacher(
  teacher: FetchedTeacher,
  dataset: ImageDataset | undefined,
  onProgress?: OnDataProgress,
): Promise<MeasuredTeacher> {
  const { name, file, asReported } = teacher;
  const paper = paperTeacherTop1(name);
  let model: Model;
  try {
    model = await loadTrainedModel(file, name, classes);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { ...teacher, top1: null, paper, warning: null, fault: error.message };
  }
  try {
    const top1 = dataset === undefined ? null : top1Of(model, dataset, onProgress);
    const warnings = [
      top1 === null ? undefined : teacherWarning({ name, top1, dataset: dataset?.name ?? '' }),
      asReported === false ? `teacher ${name} is not the file that others report` : undefined,
    ].filter((warning) => warning !== undefined);
    return { ...teacher, top1, paper, warning: warnings.join('; ') || null, fault: null };
  } finally {
    model.dispose();
  }
}

function top1Of(model: Model, dataset: ImageDataset, onProgress?: OnDataProgress): number {
  const total = dataset.test.count;
  let done = 0;
  const { top1 } = evaluate(
    (images) => {
      done += images.shape[0];
      onProgress?.({ message: `measuring ${model.name}`, unit: 'images', done, total });
      return model.forward(images, { training: false });
    },
    dataset,
    { batchSize },
  );
  return top1;
}

/** How far a published teacher may be from the paper's number before it is said, in points. */
const tolerance = 0.3;
/** The data set of the paper's teachers. */
const paperDataset = 'cifar100';

/** The top-1 accuracy that the paper's CIFAR-100 table prints of a teacher, in percent; null if none. */
export function paperTeacherTop1(name: string): number | null {
  const { pairs, rows } = paperTable('table1');
  const pair = pairs.find(({ teacher }) => teacher === name)?.pair;
  const row = rows.find(({ method }) => method === 'teacher');
  return pair === undefined ? null : (row?.values[pair] ?? null);
}

/**
 * What must be said of a teacher whose measured accuracy is not the paper's: a sentence, or undefined
 * where it is within 0.3 points, the paper has no number of it, or the data are others.
 */
export function teacherWarning({
  name,
  top1,
  dataset,
}: {
  readonly name: string;
  /** Percent. */
  readonly top1: number;
  readonly dataset: string;
}): string | undefined {
  const paper = paperTeacherTop1(name);
  if (paper === null || dataset !== paperDataset) return undefined;
  return differenceWarning(`teacher ${name}`, top1, paper, 'the paper');
}

/**
 * What must be said of weights whose measured figure, in percent, is more than 0.3 points from the published one;
 * undefined where it is not.
 */
export function differenceWarning(
  who: string,
  value: number,
  published: number,
  whose: string,
): string | undefined {
  const difference = value - published;
  // Both are printed with two decimals; the sum of their roundings shall not decide.
  if (Math.abs(difference) <= tolerance + 0.005) return undefined;
  const signed = `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(2)}`;
  return (
    `${who} has ${value.toFixed(2)} % here, ${whose}'s has ${published.toFixed(2)} % (${signed}): ` +
    `it is another teacher than ${whose}’s, or the data are not prepared alike`
  );
}
