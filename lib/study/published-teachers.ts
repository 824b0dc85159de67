import type { OnDataProgress } from '../data/progress';
import type { FetchedTeacher } from '../data/teachers-fetch';
import type { ImageDataset } from '../data/types';
import { LabError } from '../errors';
import type { Model } from '../nn/model';
import { evaluate } from '../train/evaluate';
import { paperTeacherTop1, teacherWarning } from './paper-teacher';
import { loadTrainedModel } from './trained-model';

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
