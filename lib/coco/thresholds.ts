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
