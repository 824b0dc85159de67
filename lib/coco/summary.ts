import type { CategoryResult, CocoEvaluation } from './evaluate';
import { overlapThresholds, recallThresholds } from './thresholds';
import type { CocoCategory } from './types';

/** COCO's twelve figures in their official order. Shares, not percent; −1 where nothing counts. */
export interface CocoStats {
  /** Precision averaged over recalls, categories and overlaps of 0.50 to 0.95. */
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
  readonly APs: number;
  readonly APm: number;
  readonly APl: number;
  /** Share of the objects found, averaged likewise, with 1, 10 and 100 detections an image. */
  readonly AR1: number;
  readonly AR10: number;
  readonly AR100: number;
  readonly ARs: number;
  readonly ARm: number;
  readonly ARl: number;
}

/** The names of the twelve figures, in their official order. */
export const cocoStatNames = [
  'AP',
  'AP50',
  'AP75',
  'APs',
  'APm',
  'APl',
  'AR1',
  'AR10',
  'AR100',
  'ARs',
  'ARm',
  'ARl',
] as const satisfies readonly (keyof CocoStats)[];

/** Precision–recall curves of objects of all sizes. */
export interface CocoCurves {
  /** 0.50, 0.55, …, 0.95 */
  readonly overlaps: Float64Array;
  /** 0, 0.01, …, 1 */
  readonly recalls: Float64Array;
  readonly categories: readonly CocoCategory[];
  /** [overlaps × categories × recalls]; −1 where a category has no object. */
  readonly precision: Float64Array;
}

/** [overlaps × categories × recalls] and [overlaps × categories], −1 where nothing counts. */
export interface CurvesOfAll {
  readonly precision: Float64Array;
  readonly recall: Float64Array;
}

/** The twelve figures from the curves of: all sizes with 1, 10, 100 detections; small, medium, large. */
export function summarise(
  categories: readonly CocoCategory[],
  objects: Int32Array,
  curves: readonly CurvesOfAll[],
): CocoEvaluation {
  const [one, ten, all, small, medium, large] = curves;
  const precision = (of: CurvesOfAll | undefined): number => meanOfKnown(of?.precision ?? []);
  const recall = (of: CurvesOfAll | undefined): number => meanOfKnown(of?.recall ?? []);
  const ofAll: CocoCurves = {
    overlaps: overlapThresholds,
    recalls: recallThresholds,
    categories,
    precision: all?.precision ?? new Float64Array(0),
  };
  return {
    stats: {
      AP: precision(all),
      AP50: meanOfKnown(atOverlap(ofAll, 0.5)),
      AP75: meanOfKnown(atOverlap(ofAll, 0.75)),
      APs: precision(small),
      APm: precision(medium),
      APl: precision(large),
      AR1: recall(one),
      AR10: recall(ten),
      AR100: recall(all),
      ARs: recall(small),
      ARm: recall(medium),
      ARl: recall(large),
    },
    byCategory: categories.map((category, place) => byCategory(ofAll, category, place, objects)),
    curves: ofAll,
  };
}

/**
 * A precision–recall curve: the precision at each recall of `curves.recalls`.
 *
 * @param categoryId of one category; the mean over the categories with objects unless given
 * @returns undefined where there is no object to find
 */
export function precisionAt(
  curves: CocoCurves,
  overlap: number,
  categoryId?: number,
): Float64Array | undefined {
  const wanted = curves.categories.flatMap(({ id }, place) =>
    categoryId === undefined || id === categoryId ? [place] : [],
  );
  const rows = wanted
    .map((place) => rowOf(curves, thresholdPlace(overlap), place))
    .filter((row) => (row[0] ?? -1) > -1);
  if (rows.length === 0) return undefined;
  return recallThresholds.map((_, at) => meanOf(rows.map((row) => row[at] ?? 0)));
}

function byCategory(
  curves: CocoCurves,
  { id, name }: CocoCategory,
  place: number,
  objects: Int32Array,
): CategoryResult {
  const rows = [...overlapThresholds.keys()].map((threshold) => rowOf(curves, threshold, place));
  return {
    id,
    name,
    objects: objects[place] ?? 0,
    AP: meanOfKnown(rows.flatMap((row) => [...row])),
    AP50: meanOfKnown(rows[0] ?? []),
  };
}

function atOverlap({ precision, categories }: CocoCurves, overlap: number): Float64Array {
  const size = categories.length * recallThresholds.length;
  const place = thresholdPlace(overlap);
  return precision.subarray(place * size, (place + 1) * size);
}

function rowOf(
  { precision, categories }: CocoCurves,
  threshold: number,
  place: number,
): Float64Array {
  const row = threshold * categories.length + place;
  return precision.subarray(row * recallThresholds.length, (row + 1) * recallThresholds.length);
}

/** The thresholds are not exact: 0.75 is one that is off by its last bits. */
function thresholdPlace(overlap: number): number {
  return overlapThresholds.findIndex((threshold) => Math.abs(threshold - overlap) < 1e-9);
}

/** The mean of what is above −1; −1 when nothing is. */
function meanOfKnown(values: ArrayLike<number>): number {
  let sum = 0;
  let count = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? -1;
    if (value <= -1) continue;
    sum += value;
    count++;
  }
  return count === 0 ? -1 : sum / count;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
