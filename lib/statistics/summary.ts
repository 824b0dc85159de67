import { mean, sampleStandardDeviation } from 'simple-statistics';
import { twoSidedP, twoSidedQuantile } from './student-t';

/** A closed interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Fewer seeds have neither an interval nor a p value. */
const fewestSeeds = 3;

/** What a set of runs that differ only in their seed says. */
export interface Summary {
  /** In ascending order of seeds. */
  readonly values: readonly number[];
  readonly seeds: readonly number[];
  /** How many runs. */
  readonly n: number;
  readonly mean: number;
  /** Sample standard deviation (divisor n − 1); null for one run. */
  readonly std: number | null;
  /** Student's 95 % interval of the mean over the seeds; null for fewer than three. */
  readonly interval: Interval | null;
}

/** One value a seed. */
export type BySeed = ReadonlyMap<number, number>;

/** Mean, standard deviation and 95 % interval of one value a seed; null when there is none. */
export function summarise(bySeed: BySeed): Summary | null {
  if (bySeed.size === 0) return null;
  const seeds = [...bySeed.keys()].sort((a, b) => a - b);
  const values = seeds.map((seed) => bySeed.get(seed) ?? Number.NaN);
  return {
    values,
    seeds,
    n: values.length,
    mean: mean(values),
    std: values.length > 1 ? sampleStandardDeviation(values) : null,
    interval: studentInterval(values),
  };
}

/**
 * `first − second` on the seeds that both have, so that what a seed does to both of them (order of
 * images, initial weights) cancels.
 */
export function differencesOf(first: BySeed, second: BySeed): BySeed {
  const differences = new Map<number, number>();
  for (const [seed, value] of first) {
    const other = second.get(seed);
    if (other !== undefined) differences.set(seed, value - other);
  }
  return differences;
}

/** These differences as a summary; null when they share no seed. */
export function pairedDifference(first: BySeed, second: BySeed): Summary | null {
  return summarise(differencesOf(first, second));
}

/** The values of a summary by their seeds. */
export function bySeedOf(summary: Summary | null): BySeed {
  return new Map(
    (summary?.seeds ?? []).map((seed, index) => [seed, summary?.values[index] ?? Number.NaN]),
  );
}

/**
 * Student's 95 % interval of the mean: mean ± t(n − 1) · s / √n, with the sample standard deviation s. Of
 * normal values it holds the true mean in 95 % of cases at any n; null for fewer than three values.
 */
export function studentInterval(values: readonly number[]): Interval | null {
  if (values.length < fewestSeeds) return null;
  const half = twoSidedQuantile(values.length - 1) * standardError(values);
  const middle = mean([...values]);
  return { low: middle - half, high: middle + half };
}

/**
 * The two-sided p value of a mean of 0, by the t-test: of paired differences it is that of the paired
 * t-test, below 0.05 just where their 95 % interval leaves 0 out. Null for fewer than three seeds.
 */
export function pValue(summary: Summary | null): number | null {
  if (summary === null || summary.n < fewestSeeds) return null;
  const error = standardError(summary.values);
  if (error === 0) return summary.mean === 0 ? 1 : 0;
  return twoSidedP(summary.mean / error, summary.n - 1);
}

function standardError(values: readonly number[]): number {
  return sampleStandardDeviation([...values]) / Math.sqrt(values.length);
}

/** Below it a difference counts as shown. */
export const significance = 0.05;

/**
 * p values adjusted for being several (Holm 1979): the smallest of m times m, the next times m − 1, …, none
 * smaller than one before it or above 1. That any true null hypothesis among them comes below 0.05 happens
 * in at most 5 % of cases. Those that are null are no comparisons and stay so.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const ranked = pValues
    .flatMap((p, index) => (p === null ? [] : [{ p, place: index }]))
    .sort((a, b) => a.p - b.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let largest = 0;
  ranked.forEach(({ p, place }, rank) => {
    largest = Math.max(largest, Math.min(1, p * (ranked.length - rank)));
    adjusted[place] = largest;
  });
  return adjusted;
}

/** Things whose differences one table compares with 0, each with its adjusted p value. */
export function withAdjustedPs<Item>(
  items: readonly Item[],
  differenceOf: (item: Item) => Summary | null,
): (Item & { readonly p: number | null })[] {
  const ps = holm(items.map((item) => pValue(differenceOf(item))));
  return items.map((item, index) => ({ ...item, p: ps[index] ?? null }));
}
