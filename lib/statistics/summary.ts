import { mean, sampleStandardDeviation } from 'simple-statistics';
import { bootstrapInterval, type Interval } from './bootstrap';

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
  /** 95 % interval of the mean by percentile bootstrap over the seeds; null for one run. */
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
    interval: bootstrapInterval(values),
  };
}

/**
 * `first − second` on the seeds that both have, so that what a seed does to both of them (order of
 * images, initial weights) cancels; null when they share no seed.
 */
export function pairedDifference(first: BySeed, second: BySeed): Summary | null {
  const differences = new Map<number, number>();
  for (const [seed, value] of first) {
    const other = second.get(seed);
    if (other !== undefined) differences.set(seed, value - other);
  }
  return summarise(differences);
}
