import { optionError } from '../../errors';
import type { CocoAnnotations, CocoBox, CocoCategory, CocoDetection } from './annotations';
import {
  areaRanges,
  categoryCurve,
  type Grouped,
  groupByCategoryAndImage,
  type ImageOfCategory,
  type MatchedDetections,
  matchImage,
  type ObjectArrays,
  overlapThresholds,
  placesOfDetections,
  recallThresholds,
} from './matching';

/**
 * The names of COCO's twelve figures, in their official order: precision averaged over recalls, categories and overlaps
 * of 0.50 to 0.95, at two overlaps alone, and of small, medium and large objects; then the share of the objects found,
 * averaged likewise, with 1, 10 and 100 detections an image, and by size.
 */
export const cocoStatNames = [
  ...(['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl'] as const),
  ...(['AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl'] as const),
] as const;

/** COCO's twelve figures. Shares, not percent; −1 where nothing counts. */
export type CocoStats = Readonly<Record<(typeof cocoStatNames)[number], number>>;

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
type CurvesOfAll = Readonly<Record<'precision' | 'recall', Float64Array>>;

/** The twelve figures from the curves of: all sizes with 1, 10, 100 detections; small, medium, large. */
function summarise(
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
    byCategory: categories.map((category, index) => byCategory(ofAll, category, index, objects)),
    curves: ofAll,
  };
}

/**
 * A precision–recall curve: the precision at each recall of `curves.recalls`.
 *
 * @param categoryId of one category; the mean over the categories with objects unless given
 * @returns undefined where there is no object to find
 * @throws LabError of kind `option` for an overlap that is none of `curves.overlaps`
 */
export function precisionAt(
  curves: CocoCurves,
  overlap: number,
  categoryId?: number,
): Float64Array | undefined {
  const wanted = curves.categories.flatMap(({ id }, index) =>
    categoryId === undefined || id === categoryId ? [index] : [],
  );
  const rows = wanted
    .map((index) => rowOf(curves, thresholdPlace(overlap), index))
    .filter((row) => (row[0] ?? -1) > -1);
  if (rows.length === 0) return undefined;
  return recallThresholds.map((_, at) => meanOf(rows.map((row) => row[at] ?? 0)));
}

function byCategory(
  curves: CocoCurves,
  { id, name }: CocoCategory,
  index: number,
  objects: Int32Array,
): CategoryResult {
  const rows = [...overlapThresholds.keys()].map((threshold) => rowOf(curves, threshold, index));
  return {
    id,
    name,
    objects: objects[index] ?? 0,
    AP: meanOfKnown(rows.flatMap((row) => [...row])),
    AP50: meanOfKnown(rows[0] ?? []),
  };
}

function atOverlap({ precision, categories }: CocoCurves, overlap: number): Float64Array {
  const size = categories.length * recallThresholds.length;
  const index = thresholdPlace(overlap);
  return precision.subarray(index * size, (index + 1) * size);
}

function rowOf(
  { precision, categories }: CocoCurves,
  threshold: number,
  index: number,
): Float64Array {
  const row = threshold * categories.length + index;
  return precision.subarray(row * recallThresholds.length, (row + 1) * recallThresholds.length);
}

/** The thresholds are not exact: 0.75 is one that is off by its last bits. */
function thresholdPlace(overlap: number): number {
  const place = overlapThresholds.findIndex((threshold) => Math.abs(threshold - overlap) < 1e-9);
  if (place >= 0) return place;
  throw optionError`precision is known at COCO's ten overlaps (overlap): found ${overlap}. Give 0.5, 0.55, … or 0.95`;
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

/** What is evaluated, where not as COCO does. */
export interface CocoEvaluationSettings {
  /** Only these images; all unless given. */
  readonly imageIds?: readonly number[];
  /** Detections of an image and category that count: for AR1, for AR10, for all else (1, 10, 100). */
  readonly maxDetections?: readonly [number, number, number];
}

/** How well one category is found. Shares, not percent; −1 where it has no object that counts. */
export interface CategoryResult {
  readonly id: number;
  readonly name: string;
  /** Objects that are no crowds. */
  readonly objects: number;
  readonly AP: number;
  readonly AP50: number;
}

/** COCO’s figures, whole and by category. */
export interface CocoEvaluation {
  readonly stats: CocoStats;
  /** By the categories' numbers, rising. */
  readonly byCategory: readonly CategoryResult[];
  readonly curves: CocoCurves;
}

/**
 * COCO's twelve figures, average precision by category and the precision–recall curves behind them, as
 * pycocotools' `COCOeval` for boxes gives them (Lin et al., arXiv 1405.0312; its `evaluate`,
 * `accumulate`, `summarize`). Ties of scores keep the order of the images' numbers, then that of the
 * detections. An object whose number is 0 counts like any other (pycocotools takes it for never found).
 *
 * @throws LabError of kind `data` when a detection names an image or a category that is not there, or
 * holds a number that is none.
 */
export function evaluateCoco(
  groundTruth: CocoAnnotations,
  detections: readonly CocoDetection[],
  { imageIds, maxDetections = [1, 10, 100] }: CocoEvaluationSettings = {},
): CocoEvaluation {
  const places = placesOfDetections(groundTruth, detections, imageIds);
  const { categories, images } = places;
  const counts = { categories: categories.length, images };
  const { detections: found, objects } = places;
  const foundGroups = groupByCategoryAndImage(found, counts);
  const objectGroups = groupByCategoryAndImage(objects, counts);
  const boxes = flatBoxes(found.kept);
  const scores = Float64Array.from(found.kept, ({ score }) => score);
  const of: ObjectArrays = {
    boxes: flatBoxes(objects.kept),
    areas: Float64Array.from(objects.kept, ({ area }) => area),
    crowds: Uint8Array.from(objects.kept, ({ crowd }) => (crowd ? 1 : 0)),
  };

  const [one, ten, all] = [...maxDetections].sort((a, b) => a - b) as [number, number, number];
  // Of all sizes for each number of detections, of each size for the largest.
  const combinations = [
    ...[one, ten, all].map((most) => ({ area: 0, most })),
    ...areaRanges.slice(1).map((_, index) => ({ area: index + 1, most: all })),
  ];
  const curves = combinations.map(() => emptyCurves(categories.length));
  const objectCounts = new Int32Array(categories.length);
  categories.forEach((_, category) => {
    const matched = matchCategory({
      detections: groupOf(foundGroups, category),
      detectionImages: found.images,
      detectionBoxes: boxes,
      scores,
      objects: groupOf(objectGroups, category),
      objectImages: objects.images,
      of,
      most: all,
    });
    objectCounts[category] = matched.objects[0] ?? 0;
    const ofCategory = matched.detections.scores;
    const order = sortByScore(Int32Array.from(ofCategory.keys()), ofCategory);
    combinations.forEach(({ area, most }, index) => {
      const counted = matched.objects[area] ?? 0;
      if (counted === 0) return;
      const target = curves[index];
      for (let bit = 0; bit < overlapThresholds.length; bit++) {
        const options = { order, most, area, bit, objects: counted };
        const { precision, recall } = categoryCurve(matched.detections, options);
        const row = bit * categories.length + category;
        target?.precision.set(precision, row * recallThresholds.length);
        if (target) target.recall[row] = recall;
      }
    });
  });
  return summarise(categories, objectCounts, curves);
}

interface CategoryOfAllImages extends Omit<ImageOfCategory, 'into' | 'offset'> {
  readonly detectionImages: Int32Array;
  readonly scores: Float64Array;
  readonly objectImages: Int32Array;
  readonly most: number;
}

/** Matches the images of one category one after the other. */
function matchCategory(given: CategoryOfAllImages): {
  detections: MatchedDetections;
  objects: number[];
} {
  const { detections, detectionImages, detectionBoxes, scores, objects, objectImages } = given;
  const into = emptyMatches(detections.length);
  const counts = areaRanges.map(() => 0);
  let d = 0;
  let g = 0;
  let offset = 0;
  while (d < detections.length || g < objects.length) {
    const image = Math.min(
      detectionImages[detections[d] ?? -1] ?? Infinity,
      objectImages[objects[g] ?? -1] ?? Infinity,
    );
    const firstDetection = d;
    while (d < detections.length && detectionImages[detections[d] ?? 0] === image) d++;
    const firstObject = g;
    while (g < objects.length && objectImages[objects[g] ?? 0] === image) g++;
    const here = detections.slice(firstDetection, d);
    const kept = sortByScore(here, scores).subarray(0, given.most);
    kept.forEach((detection, rank) => {
      into.scores[offset + rank] = scores[detection] ?? 0;
      into.ranks[offset + rank] = rank;
    });
    const countsHere = matchImage({
      detections: kept,
      detectionBoxes,
      objects: objects.subarray(firstObject, g),
      of: given.of,
      into,
      offset,
    });
    countsHere.forEach((count, area) => {
      counts[area] = (counts[area] ?? 0) + count;
    });
    offset += kept.length;
  }
  return {
    objects: counts,
    detections: {
      ...into,
      scores: into.scores.subarray(0, offset),
      ranks: into.ranks.subarray(0, offset),
    },
  };
}

/** Sorts places by falling score in place; equal scores keep their order. */
function sortByScore(indices: Int32Array, scores: Float64Array): Int32Array {
  return indices.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

function emptyMatches(count: number): MatchedDetections {
  return {
    scores: new Float64Array(count),
    ranks: new Int32Array(count),
    found: areaRanges.map(() => new Uint16Array(count)),
    ignored: areaRanges.map(() => new Uint16Array(count)),
  };
}

function emptyCurves(categories: number): CurvesOfAll {
  const rows = overlapThresholds.length * categories;
  return {
    precision: new Float64Array(rows * recallThresholds.length).fill(-1),
    recall: new Float64Array(rows).fill(-1),
  };
}

function groupOf({ order, starts }: Grouped, category: number): Int32Array {
  return order.subarray(starts[category], starts[category + 1]);
}

function flatBoxes(all: readonly { readonly box: CocoBox }[]): Float64Array {
  const flat = new Float64Array(4 * all.length);
  all.forEach(({ box }, index) => flat.set(box, 4 * index));
  return flat;
}
