import { type FlatBoxes, overlap } from './overlap';
import { areaRanges, overlapThresholds } from './thresholds';

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
    const places = objects.map((_, place) => place);
    const counts = (place: number): boolean => {
      const object = objects[place] ?? 0;
      return of.crowds[object] === 0 && !outside(of.areas[object] ?? 0);
    };
    const counted = places.filter(counts);
    const others = places.filter((place) => !counts(place));
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
      for (const place of among) {
        if (taken[place] === 1) continue;
        const value = overlaps[row + place] ?? 0;
        if (value < largest) continue;
        largest = value;
        chosen = place;
      }
      return chosen;
    };
    for (let place = 0; place < detections.length; place++) {
      const row = place * objects.length;
      let object = best(row, counted);
      if (object < 0) {
        object = best(row, others);
        if (object < 0) continue;
        ignored[offset + place] = (ignored[offset + place] ?? 0) | (1 << bit);
      }
      found[offset + place] = (found[offset + place] ?? 0) | (1 << bit);
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
  detections.forEach((detection, place) => {
    const width = detectionBoxes[4 * detection + 2] ?? 0;
    const height = detectionBoxes[4 * detection + 3] ?? 0;
    if (!outside(width * height)) return;
    const at = offset + place;
    ignored[at] = (ignored[at] ?? 0) | (every & ~(found[at] ?? 0));
  });
}
