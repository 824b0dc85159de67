import { linearRegression, permutationsHeap, sampleRankCorrelation } from 'simple-statistics';
import { bySeedOf, pairedDifference, summarise, type BySeed, type Summary } from './summary';

/** One size, and what was measured at it with each seed. */
export interface SizedValues {
  /** Number of parameters. */
  readonly parameters: number;
  readonly values: BySeed;
}

/** Whether something rises with size. */
export interface Trend {
  readonly sizes: number;
  /** Least-squares slope against log10 of the parameters, seed by seed: the rise for ten times the size. */
  readonly slope: Summary;
  /** Spearman's rank correlation of the means over the seeds with the size; 0 where all of them are equal. */
  readonly rank: number;
  /**
   * Of all orders of the sizes, the share whose slope is at least as steep upwards: how likely so clear a
   * rise is when size says nothing. With 3 sizes it is never below 1/6, with 4 never below 1/24.
   */
  readonly permutation: number;
}

/** Fewer sizes have no trend. */
const fewestSizes = 3;
/** More have too many orders to count. */
const mostSizes = 8;

/**
 * The trend over sizes, from the seeds that all of them have; null with fewer than three sizes, or none
 * of these seeds.
 */
export function trendOf(points: readonly SizedValues[]): Trend | null {
  const sizes = points.filter(({ values }) => values.size > 0);
  if (sizes.length < fewestSizes || sizes.length > mostSizes) return null;
  const seeds = [...(sizes[0]?.values.keys() ?? [])].filter((seed) =>
    sizes.every(({ values }) => values.has(seed)),
  );
  const logs = sizes.map(({ parameters }) => Math.log10(parameters));
  const at = (seed: number): number[] => sizes.map(({ values }) => values.get(seed) ?? Number.NaN);
  const slope = summarise(new Map(seeds.map((seed) => [seed, slopeOf(logs, at(seed))])));
  if (slope === null) return null;
  const means = sizes.map((_, size) =>
    seeds.reduce((sum, seed) => sum + (at(seed)[size] ?? Number.NaN) / seeds.length, 0),
  );
  return {
    sizes: sizes.length,
    slope,
    rank: sampleRankCorrelation(logs, means) || 0,
    permutation: permutationShare(logs, means),
  };
}

/** How much steeper one trend is than another on the same seeds. */
export function steeper(first: Trend | null, second: Trend | null): Summary | null {
  if (first === null || second === null) return null;
  return pairedDifference(bySeedOf(first.slope), bySeedOf(second.slope));
}

function permutationShare(logs: readonly number[], values: readonly number[]): number {
  const found = slopeOf(logs, values);
  const slopes = permutationsHeap([...values]).map((order) => slopeOf(logs, order));
  // Sums in another order round otherwise: the order that was found must count itself.
  return slopes.filter((slope) => slope >= found - 1e-9).length / slopes.length;
}

function slopeOf(x: readonly number[], y: readonly number[]): number {
  return linearRegression(x.map((value, index) => [value, y[index] ?? Number.NaN])).m;
}
