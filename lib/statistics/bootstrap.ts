import { mean, quantileSorted, sampleWithReplacement } from 'simple-statistics';
import { random } from '../engine/random';

/** A closed interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How an interval is drawn; the defaults give the same interval for the same values, always. */
export interface BootstrapOptions {
  /** How many resamples (10,000 for one mean, 2,000 for a comparison). */
  readonly resamples?: number;
  /** Share of the resampled statistics that the interval holds, 0.95 by default. */
  readonly confidence?: number;
  /** Uniform in [0, 1); a stream with a fixed seed by default. */
  readonly uniform?: () => number;
}

/**
 * Percentile bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 13): the mean of
 * `values` drawn with replacement, many times, and the quantiles between which 95 % of them lie.
 *
 * One value has no interval (null). With two or three values it is simply the smallest and the
 * largest, which hold the true mean of a symmetric distribution in only 50 % and 75 % of cases:
 * report n beside it.
 */
export function bootstrapInterval(
  values: readonly number[],
  { resamples = 10_000, confidence = 0.95, uniform = fixedStream() }: BootstrapOptions = {},
): Interval | null {
  if (values.length < 2) return null;
  const sample = [...values];
  const means = Array.from({ length: resamples }, () =>
    mean(sampleWithReplacement(sample, sample.length, uniform)),
  );
  return percentiles(means, confidence);
}

/** The runs of one method on one task (here: a pair), as plain scores. */
export type Stratum = readonly number[];

/** A statistic of two methods over the same tasks: `first[i]` and `second[i]` belong to task i. */
export type Comparison = (first: readonly Stratum[], second: readonly Stratum[]) => number;

/** A comparison with its 95 % interval. */
export interface ComparisonEstimate {
  readonly estimate: number;
  /** Null when some method has but one run on some task: resampling it tells nothing. */
  readonly interval: Interval | null;
}

/**
 * Stratified bootstrap of a comparison (Agarwal et al. 2021, arXiv 2108.13264, as in rliable): runs
 * are resampled with replacement within each task and each method separately, never across tasks.
 *
 * @throws RangeError when the methods have not the same number of tasks, or a task has no run.
 */
export function stratifiedBootstrap(
  first: readonly Stratum[],
  second: readonly Stratum[],
  statistic: Comparison,
  { resamples = 2_000, confidence = 0.95, uniform = fixedStream() }: BootstrapOptions = {},
): ComparisonEstimate {
  checkStrata(first, second);
  const estimate = statistic(first, second);
  if ([...first, ...second].some((stratum) => stratum.length < 2))
    return { estimate, interval: null };
  const draw = (strata: readonly Stratum[]): Stratum[] =>
    strata.map((stratum) => sampleWithReplacement([...stratum], stratum.length, uniform));
  const drawn = Array.from({ length: resamples }, () => statistic(draw(first), draw(second)));
  return { estimate, interval: percentiles(drawn, confidence) };
}

/**
 * The probability that a run of the first method beats a run of the second on a task drawn at random:
 * the mean over tasks of P(X > Y) + ½ P(X = Y) over all couples of runs (rliable's `probability of
 * improvement`).
 */
export const probabilityOfImprovement: Comparison = (first, second) => {
  checkStrata(first, second);
  return mean(
    first.map((scores, task) => {
      const others = second[task] ?? [];
      return mean(scores.flatMap((x) => others.map((y) => (x > y ? 1 : 0) + (x === y ? 0.5 : 0))));
    }),
  );
};

/** The mean over tasks of the difference between the two methods' mean scores. */
export const meanImprovement: Comparison = (first, second) => {
  checkStrata(first, second);
  return mean(first.map((scores, task) => mean([...scores]) - mean([...(second[task] ?? [])])));
};

function checkStrata(first: readonly Stratum[], second: readonly Stratum[]): void {
  if (first.length !== second.length || first.length === 0) {
    throw new RangeError(
      `both methods need runs on the same tasks: found ${String(first.length)} and ${String(second.length)} tasks`,
    );
  }
  if ([...first, ...second].some((stratum) => stratum.length === 0)) {
    throw new RangeError('each task needs at least one run of both methods');
  }
}

function percentiles(values: number[], confidence: number): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return { low: quantileSorted(sorted, tail), high: quantileSorted(sorted, 1 - tail) };
}

function fixedStream(): () => number {
  return random(20230517007, 'bootstrap').uniform;
}
