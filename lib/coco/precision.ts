import type { MatchedDetections } from './matching';
import { recallThresholds } from './thresholds';

/** What one category gives at one overlap threshold. */
export interface CategoryCurve {
  /** Precision at each of the 101 recalls; 0 where the recall is not reached. */
  readonly precision: Float64Array;
  /** The share of the objects that were found in the end. */
  readonly recall: number;
}

/** What keeps 0 / 0 from being NaN: the distance from 1 to the next number. */
const spacing = Number.EPSILON;

/** Which of a category's detections count, and how. */
export interface CurveOptions {
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
 */
export function categoryCurve(
  { ranks, found, ignored }: MatchedDetections,
  { order, most, area, bit, objects }: CurveOptions,
): CategoryCurve {
  const foundBits = found[area] ?? new Uint16Array(0);
  const ignoredBits = ignored[area] ?? new Uint16Array(0);
  const recalls = new Float64Array(order.length);
  const precisions = new Float64Array(order.length);
  let count = 0;
  let right = 0;
  let wrong = 0;
  for (const place of order) {
    if ((ranks[place] ?? 0) >= most) continue;
    if ((((ignoredBits[place] ?? 0) >> bit) & 1) === 0) {
      if ((((foundBits[place] ?? 0) >> bit) & 1) === 1) right++;
      else wrong++;
    }
    recalls[count] = right / objects;
    precisions[count] = right / (wrong + right + spacing);
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
