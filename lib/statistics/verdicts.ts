import { type Interval, significance, type Summary } from './summary';

/** What a measured number says of a printed one. */
type NumberVerdict = 'reproduced' | 'differs' | 'inconclusive';

/** So far from a printed number, in points, a mean is still that number. */
const numberMargin = 0.5;

/**
 * The verdict on a printed number: `reproduced` when the 95 % interval of the mean lies within ±0.5 of it,
 * `differs` when it lies wholly outside, else `inconclusive`, as without an interval.
 */
export function verdictOnNumber(interval: Interval | null, printed: number): NumberVerdict {
  if (interval === null) return 'inconclusive';
  // Printed with decimals: a distance of just 0.5 must not fail by rounding of binary fractions.
  const margin = numberMargin + 1e-9;
  const [low, high] = [printed - margin, printed + margin];
  if (low <= interval.low && interval.high <= high) return 'reproduced';
  return interval.high < low || high < interval.low ? 'differs' : 'inconclusive';
}

/** What measured runs say of a claim. */
export type ClaimOutcome = 'reproduced' | 'contradicted' | 'inconclusive' | 'not run';

/** An outcome, and why it is inconclusive; empty otherwise. */
export interface JudgedOutcome {
  readonly outcome: ClaimOutcome;
  readonly why: string;
}

/**
 * The verdict on a claim that a difference is above 0: `reproduced` when it is and its p value, adjusted
 * for the other claims of its table, is below 0.05; `contradicted` when it is below 0 and its p value is;
 * else `inconclusive`.
 *
 * @param p - null for fewer than three seeds
 */
export function verdictOnClaim(difference: Summary | null, p: number | null): JudgedOutcome {
  if (difference === null) return { outcome: 'not run', why: '' };
  const { mean, interval, n } = difference;
  if (interval === null || p === null) {
    return { outcome: 'inconclusive', why: `${n === 1 ? 'one seed' : 'two seeds'}: no interval` };
  }
  if (p < significance) return { outcome: mean > 0 ? 'reproduced' : 'contradicted', why: '' };
  const without = interval.low > 0 || interval.high < 0;
  return {
    outcome: 'inconclusive',
    why: without ? 'not clear among so many claims' : 'the interval holds 0',
  };
}

/**
 * The outcome of several claims together: contradicted when one is; reproduced when each is; not run as
 * long as one is; else inconclusive.
 */
export function outcomeOfAll(outcomes: readonly ClaimOutcome[]): ClaimOutcome {
  if (outcomes.includes('contradicted')) return 'contradicted';
  if (outcomes.includes('not run')) return 'not run';
  return outcomes.includes('inconclusive') ? 'inconclusive' : 'reproduced';
}

/**
 * The outcome of a claim that can be read in several ways, of which the paper's is not known: what each
 * reading says, where all of them say the same; else inconclusive, as where one was not run.
 */
export function outcomeOfReadings(outcomes: readonly ClaimOutcome[]): ClaimOutcome {
  const [first = 'not run', ...others] = new Set(outcomes);
  return others.length === 0 ? first : 'inconclusive';
}

/**
 * What a verdict on a claim stands on: `full`, the paper's data, length and batch; `reduced`, the paper's data
 * whole under a schedule that has converged; `toy`, anything else.
 */
export type ClaimScale = 'full' | 'reduced' | 'toy';

/** From the strongest to the weakest. */
export const claimScales: readonly ClaimScale[] = ['full', 'reduced', 'toy'];

/** `reproduced (toy)`: no outcome stands without its scale; `not run` has none. */
export function outcomeInWords(outcome: ClaimOutcome, scale: ClaimScale): string {
  return outcome === 'not run' ? outcome : `${outcome} (${scale})`;
}

/** Shorter schedules are not called converged, however flat their ends. */
const fewestConvergedEpochs = 40;

/**
 * Whether a schedule has converged: of 40 epochs or more, the mean top-1 of the last tenth lies within half
 * a point of the mean of the tenth before it.
 */
export function hasConverged(top1ByEpoch: readonly number[]): boolean {
  const epochs = top1ByEpoch.length;
  if (epochs < fewestConvergedEpochs) return false;
  const tenth = Math.floor(epochs / 10);
  const meanOf = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const last = meanOf(top1ByEpoch.slice(epochs - tenth));
  const before = meanOf(top1ByEpoch.slice(epochs - 2 * tenth, epochs - tenth));
  return Math.abs(last - before) <= numberMargin;
}
