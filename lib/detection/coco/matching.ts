import { dataError } from '../../errors';
import {
  type CocoAnnotation,
  type CocoAnnotations,
  type CocoCategory,
  type CocoDetection,
  faultList,
} from './annotations';

/**
 * `count` numbers from `first` to `last`, with numpy's `linspace` roundings: a threshold that differs in
 * its last bit counts a box that lies just on it the other way.
 */
function evenlySpaced(first: number, last: number, count: number): Float64Array {
  const step = (last - first) / (count - 1);
  return Float64Array.from({ length: count }, (_, index) =>
    index === count - 1 ? last : index * step + first,
  );
}

/** Overlaps from which a detection counts as right: 0.50, 0.55, …, 0.95. */
export const overlapThresholds: Float64Array = evenlySpaced(0.5, 0.95, 10);

/** Recalls at which precision is read off: 0, 0.01, …, 1. */
export const recallThresholds: Float64Array = evenlySpaced(0, 1, 101);

/** Sizes of objects, in square pixels, both ends included. */
export const areaRanges = [
  { name: 'all', least: 0, most: 1e5 ** 2 },
  { name: 'small', least: 0, most: 32 ** 2 },
  { name: 'medium', least: 32 ** 2, most: 96 ** 2 },
  { name: 'large', least: 96 ** 2, most: 1e5 ** 2 },
] as const;

/** Places of things, ordered by category, then image, then as they were given. */
export interface Grouped {
  readonly order: Int32Array;
  /** Category c has `order[starts[c]]` to `order[starts[c + 1] − 1]`. */
  readonly starts: Int32Array;
}

/** Two counting sorts, the last one by category; both keep the order of what is equal. */
export function groupByCategoryAndImage(
  { categories, images }: { readonly categories: Int32Array; readonly images: Int32Array },
  counts: { readonly categories: number; readonly images: number },
): Grouped {
  const asGiven = Int32Array.from(categories.keys());
  const { order: byImage } = countingSort(asGiven, images, counts.images);
  return countingSort(byImage, categories, counts.categories);
}

function countingSort(indices: Int32Array, keys: Int32Array, count: number): Grouped {
  const starts = new Int32Array(count + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let key = 0; key < count; key++)
    starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
  const next = starts.slice();
  const order = new Int32Array(indices.length);
  for (const index of indices) {
    const key = keys[index] ?? 0;
    const at = next[key] ?? 0;
    order[at] = index;
    next[key] = at + 1;
  }
  return { order, starts };
}

/** Boxes one after the other: x, y, width, height of each. */
type FlatBoxes = Float64Array;

/**
 * The part of two boxes that they share, in [0, 1]: intersection over union; over the detection's own
 * area where the object is a crowd, since one detection cannot cover a crowd. The order of operations is
 * pycocotools', so that the last bit is the same.
 */
export function overlap(
  detections: FlatBoxes,
  detection: number,
  objects: FlatBoxes,
  object: number,
  crowd: boolean,
): number {
  const d = 4 * detection;
  const g = 4 * object;
  const dx = detections[d] ?? 0;
  const dy = detections[d + 1] ?? 0;
  const dw = detections[d + 2] ?? 0;
  const dh = detections[d + 3] ?? 0;
  const gx = objects[g] ?? 0;
  const gy = objects[g + 1] ?? 0;
  const gw = objects[g + 2] ?? 0;
  const gh = objects[g + 3] ?? 0;
  const width = Math.min(dw + dx, gw + gx) - Math.max(dx, gx);
  if (width <= 0) return 0;
  const height = Math.min(dh + dy, gh + gy) - Math.max(dy, gy);
  if (height <= 0) return 0;
  const shared = width * height;
  return shared / (crowd ? dw * dh : dw * dh + gw * gh - shared);
}

/** The objects of a data set as arrays. */
export interface ObjectArrays {
  readonly boxes: FlatBoxes;
  readonly areas: Float64Array;
  /** 1 for a crowd. */
  readonly crowds: Uint8Array;
}

/** The detections of one category, image by image, the surest first within an image. */
export interface MatchedDetections {
  readonly scores: Float64Array;
  /** 0 for the surest of its image, 1 for the next … */
  readonly ranks: Int32Array;
  /** By range of areas: bit t is set where it found an object at threshold t. */
  readonly found: readonly Uint16Array[];
  /** By range of areas: bit t is set where it counts neither as right nor as wrong. */
  readonly ignored: readonly Uint16Array[];
}

/** What `matchImage` is given of one image and category. */
export interface ImageOfCategory {
  /** Places of the detections, the surest first. */
  readonly detections: Int32Array;
  readonly detectionBoxes: FlatBoxes;
  /** Places of the objects, in the file's order. */
  readonly objects: Int32Array;
  readonly of: ObjectArrays;
  /** Where the detections' marks go. */
  readonly into: MatchedDetections;
  readonly offset: number;
}

/**
 * Lets the detections of an image choose their objects, the surest first, at each threshold and for
 * each range of areas: the one of the largest overlap (the last of equals) that is still free; only
 * where there is none, one that does not count (a crowd, which stays free, or of another size). A
 * detection that found nothing does not count itself when its own size is outside the range.
 *
 * @returns by range of areas, how many objects count
 */
export function matchImage(image: ImageOfCategory): number[] {
  const { detections, detectionBoxes, objects, of } = image;
  const overlaps = new Float64Array(detections.length * objects.length);
  let write = 0;
  for (const detection of detections) {
    for (const object of objects) {
      const crowd = of.crowds[object] === 1;
      overlaps[write++] = overlap(detectionBoxes, detection, of.boxes, object, crowd);
    }
  }
  return areaRanges.map((range, area) => {
    const outside = (size: number): boolean => size < range.least || size > range.most;
    const indices = objects.map((_, index) => index);
    const counts = (index: number): boolean => {
      const object = objects[index] ?? 0;
      return of.crowds[object] === 0 && !outside(of.areas[object] ?? 0);
    };
    const counted = indices.filter(counts);
    const others = indices.filter((index) => !counts(index));
    markFound(image, overlaps, counted, others, area);
    markOutside(image, outside, area);
    return counted.length;
  });
}

function markFound(
  { detections, objects, of, into, offset }: ImageOfCategory,
  overlaps: Float64Array,
  counted: Int32Array,
  others: Int32Array,
  area: number,
): void {
  if (objects.length === 0) return;
  const found = into.found[area];
  const ignored = into.ignored[area];
  if (found === undefined || ignored === undefined) return;
  const taken = new Uint8Array(objects.length);
  for (const [bit, threshold] of overlapThresholds.entries()) {
    taken.fill(0);
    const least = Math.min(threshold, 1 - 1e-10);
    const best = (row: number, among: Int32Array): number => {
      let chosen = -1;
      let largest = least;
      for (const index of among) {
        if (taken[index] === 1) continue;
        const value = overlaps[row + index] ?? 0;
        if (value < largest) continue;
        largest = value;
        chosen = index;
      }
      return chosen;
    };
    for (let at = 0; at < detections.length; at++) {
      const row = at * objects.length;
      let object = best(row, counted);
      if (object < 0) {
        object = best(row, others);
        if (object < 0) continue;
        ignored[offset + at] = (ignored[offset + at] ?? 0) | (1 << bit);
      }
      found[offset + at] = (found[offset + at] ?? 0) | (1 << bit);
      if (of.crowds[objects[object] ?? 0] === 0) taken[object] = 1;
    }
  }
}

function markOutside(
  { detections, detectionBoxes, into, offset }: ImageOfCategory,
  outside: (size: number) => boolean,
  area: number,
): void {
  const found = into.found[area];
  const ignored = into.ignored[area];
  if (found === undefined || ignored === undefined) return;
  const every = (1 << overlapThresholds.length) - 1;
  detections.forEach((detection, index) => {
    const width = detectionBoxes[4 * detection + 2] ?? 0;
    const height = detectionBoxes[4 * detection + 3] ?? 0;
    if (!outside(width * height)) return;
    const at = offset + index;
    ignored[at] = (ignored[at] ?? 0) | (every & ~(found[at] ?? 0));
  });
}

/** Which of a category's detections count, and how. */
interface CurveOptions {
  /** Places of the detections of all images, the surest first. */
  readonly order: Int32Array;
  /** Only the first so many of each image. */
  readonly most: number;
  /** The place of the range of areas, and the bit of the overlap threshold. */
  readonly area: number;
  readonly bit: number;
  /** Objects that count; more than none. */
  readonly objects: number;
}

/**
 * The precision–recall curve of a category: after each detection, the share of right ones so far over
 * the share of the objects found so far; made falling from its end (each value the largest that still
 * comes) and read off at the 101 recalls.
 *
 * @returns the precision at each recall, 0 where it is not reached, and the share of the objects found in the end
 */
export function categoryCurve(
  { ranks, found, ignored }: MatchedDetections,
  { order, most, area, bit, objects }: CurveOptions,
): { readonly precision: Float64Array; readonly recall: number } {
  const foundBits = found[area] ?? new Uint16Array(0);
  const ignoredBits = ignored[area] ?? new Uint16Array(0);
  const recalls = new Float64Array(order.length);
  const precisions = new Float64Array(order.length);
  let count = 0;
  let right = 0;
  let wrong = 0;
  for (const at of order) {
    if ((ranks[at] ?? 0) >= most) continue;
    if ((((ignoredBits[at] ?? 0) >> bit) & 1) === 0) {
      if ((((foundBits[at] ?? 0) >> bit) & 1) === 1) right++;
      else wrong++;
    }
    recalls[count] = right / objects;
    // The summand keeps 0 / 0 from being NaN.
    precisions[count] = right / (wrong + right + Number.EPSILON);
    count++;
  }
  for (let place = count - 1; place > 0; place--) {
    const later = precisions[place] ?? 0;
    if (later > (precisions[place - 1] ?? 0)) precisions[place - 1] = later;
  }
  const precision = new Float64Array(recallThresholds.length);
  let place = 0;
  for (const [index, recall] of recallThresholds.entries()) {
    while (place < count && (recalls[place] ?? 0) < recall) place++;
    if (place === count) break;
    precision[index] = precisions[place] ?? 0;
  }
  return { precision, recall: count === 0 ? 0 : (recalls[count - 1] ?? 0) };
}

/** Things with the places of their categories and images. */
interface Placed<Thing> {
  readonly kept: readonly Thing[];
  readonly categories: Int32Array;
  readonly images: Int32Array;
}

interface EvaluationPlaces {
  /** By rising number. */
  readonly categories: readonly CocoCategory[];
  /** How many images are evaluated. */
  readonly images: number;
  readonly detections: Placed<CocoDetection>;
  readonly objects: Placed<CocoAnnotation>;
}

/**
 * Numbers categories and images by their rising official numbers, and finds the place of each
 * detection and object.
 *
 * @param imageIds evaluates only these; what is on other images is left out, as is an object of no category
 * @throws LabError of kind `data` that names detections of unknown images or categories, or with numbers
 * that are none.
 */
export function placesOfDetections(
  groundTruth: CocoAnnotations,
  detections: readonly CocoDetection[],
  imageIds?: readonly number[],
): EvaluationPlaces {
  const categories = [...groundTruth.categories].sort((a, b) => a.id - b.id);
  const allImages = new Set(groundTruth.images.map(({ id }) => id));
  const faults = faultList();
  const wanted = imageIds === undefined ? [...allImages] : [...new Set(imageIds)];
  for (const id of wanted) {
    if (!allImages.has(id)) faults.add('images that are not in the annotations', `image ${id}`);
  }
  const categoryPlaces = placesOf(categories.map(({ id }) => id));
  const imagePlaces = placesOf(wanted.sort((a, b) => a - b));

  for (const [index, { imageId, categoryId, box, score }] of detections.entries()) {
    const place = `detection ${index + 1}`;
    if (!allImages.has(imageId)) {
      faults.add(
        'detections on images that are not in the annotations',
        `${place}: image ${imageId}`,
      );
    }
    if (!categoryPlaces.has(categoryId)) {
      faults.add('detections of unknown categories', `${place}: category ${categoryId}`);
    }
    if (!Number.isFinite(score) || !box.every(Number.isFinite)) {
      faults.add('detections with a number that is none', `${place}: image ${imageId}`);
    }
  }
  faults.throwIfAny(
    (found) =>
      dataError`the detections do not fit the annotations (${groundTruth.file}): found ${found}. Detections name images and categories by the numbers of the annotation file (a contiguous label is not a COCO category number)`,
  );
  const placed = <Thing extends { imageId: number; categoryId: number }>(
    things: readonly Thing[],
  ): Placed<Thing> => {
    const kept = things.filter(
      ({ imageId, categoryId }) => imagePlaces.has(imageId) && categoryPlaces.has(categoryId),
    );
    return {
      kept,
      categories: Int32Array.from(kept, ({ categoryId }) => categoryPlaces.get(categoryId) ?? 0),
      images: Int32Array.from(kept, ({ imageId }) => imagePlaces.get(imageId) ?? 0),
    };
  };
  return {
    categories,
    images: wanted.length,
    detections: placed(detections),
    objects: placed(groundTruth.annotations),
  };
}

function placesOf(ids: readonly number[]): ReadonlyMap<number, number> {
  return new Map(ids.map((id, index) => [id, index]));
}
