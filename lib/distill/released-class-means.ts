import { mean, min } from 'simple-statistics';
import { z } from 'zod';
import { fileError, modelError } from '../errors';
import { readJson } from '../files';
import type { ClassMeans } from './class-means';

/** Class means without what they are valid for: of the paper's files, which do not say. */
export type PlainClassMeans = Pick<ClassMeans, 'means' | 'classes' | 'dimension'>;

const fix =
  'Name a file of the paper’s code, such as CIFAR/ckpt/teacher/resnet56/center_emb_train.json: an object that holds a list of numbers for each class, from "0" on';

const form = z.record(z.string(), z.array(z.number()).min(1));

/**
 * Reads the form in which the paper's code keeps class means (fc6f3f9, `emb_fea_distribution.py`):
 * `{"0": [...], "1": [...], …}`, classes in any order.
 *
 * @throws LabError of kind `file` for another form, a missing class, or lists of several lengths.
 */
export function readReleasedClassMeans(path: string): PlainClassMeans {
  const rows = readReleasedRows(path);
  return {
    means: Float32Array.from(rows.flat()),
    classes: rows.length,
    dimension: rows[0]?.length ?? 0,
  };
}

/** The same, a list of numbers a class. @throws LabError as `readReleasedClassMeans` does. */
export function readReleasedRows(path: string): readonly (readonly number[])[] {
  const parsed = form.safeParse(readJson(path, fix));
  const rows = parsed.success
    ? Object.keys(parsed.data).map((_, index) => parsed.data[String(index)])
    : [];
  const [first] = rows;
  if (first === undefined)
    throw fileError`not a file of class means (${path}): found another form. ${fix}`;
  return rows.map((row, index) => {
    if (row?.length === first.length) return row;
    throw fileError`a class mean is missing or of another length (${path}): found ${row?.length ?? 'no'} numbers of class ${index}, ${first.length} of class 0. ${fix}`;
  });
}

/** How two teachers' class means differ, by class. */
export interface ClassMeansComparison {
  /** a · b / (‖a‖ ‖b‖) */
  readonly cosine: number;
  /** ‖a‖ and ‖b‖ */
  readonly norms: readonly [number, number];
}

/**
 * Class means beside others of the same classes: the cheapest test that a teacher is the one whose class means
 * were published.
 *
 * @throws LabError of kind `model` when they are of other classes or another dimension.
 */
export function compareClassMeans(a: PlainClassMeans, b: PlainClassMeans): ClassMeansComparison[] {
  if (a.classes !== b.classes || a.dimension !== b.dimension) {
    throw modelError`class means of different shapes cannot be compared (class means): found ${a.classes} × ${a.dimension} and ${b.classes} × ${b.dimension}. Give those of the same network over the same classes`;
  }
  const { classes, dimension } = a;
  return Array.from({ length: classes }, (_, index) => {
    const [own, other] = [a, b].map(({ means }) =>
      means.subarray(index * dimension, (index + 1) * dimension),
    ) as [Float32Array, Float32Array];
    const norms = [normOf(own), normOf(other)] as const;
    const product = own.reduce((sum, value, at) => sum + value * (other[at] ?? NaN), 0);
    return { cosine: product / (norms[0] * norms[1]), norms };
  });
}

/** How class means differ from others, over all classes. */
export interface ComparisonSummary {
  readonly meanCosine: number;
  readonly smallestCosine: number;
  readonly meanNorm: number;
  readonly otherMeanNorm: number;
}

export function summaryOfComparison(classes: readonly ClassMeansComparison[]): ComparisonSummary {
  const cosines = classes.map(({ cosine }) => cosine);
  return {
    meanCosine: mean(cosines),
    smallestCosine: min(cosines),
    meanNorm: mean(classes.map(({ norms }) => norms[0])),
    otherMeanNorm: mean(classes.map(({ norms }) => norms[1])),
  };
}

/** Of any number of numbers, where the arguments of `Math.hypot` are limited. */
function normOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
