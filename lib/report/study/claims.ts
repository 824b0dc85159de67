import type { Interval } from '../../statistics/bootstrap';
import { pairedDifference, type BySeed, type Summary } from '../../statistics/summary';
import { tInterval } from '../../statistics/t-interval';
import { rowOf, type StudyPair, type StudyRow } from './model';

/** What the measured runs say of a claim. */
export const claimVerdicts = ['holds', 'does not hold', 'not shown', 'not run'] as const;
export type ClaimVerdict = (typeof claimVerdicts)[number];

/** Something that a claim compares; top-1 unless said otherwise. */
export type Measure = (row: StudyRow) => Summary | null;

/** A claim that one method is above another. */
export interface Claim {
  readonly statement: string;
  readonly better: string;
  readonly worse: string;
  readonly of?: Measure;
}

/** A claim beside what was measured. */
export interface JudgedClaim {
  readonly statement: string;
  /** What is above minus what is below, on the seeds that both have. */
  readonly difference: Summary | null;
  /** Its 95 % interval by Student's t; null for one seed. */
  readonly interval: Interval | null;
  readonly verdict: ClaimVerdict;
  /** Why it is not shown; empty otherwise. */
  readonly why: string;
}

/** Top-1 after the last epoch. */
export const top1: Measure = (row) => row.top1;

/** A claim on one pair, by the paired differences over the seeds. */
export function judge(
  pair: StudyPair,
  { statement, better, worse, of = top1 }: Claim,
): JudgedClaim {
  const values = (method: string): BySeed => {
    const row = rowOf(pair, method);
    return bySeedOf(row === undefined ? null : of(row));
  };
  return judged(statement, pairedDifference(values(better), values(worse)));
}

/** A claim that a number is above 0, from its values over the seeds. */
export function judged(statement: string, difference: Summary | null): JudgedClaim {
  const interval = difference === null ? null : tInterval(difference.values);
  return { statement, difference, interval, ...verdictOn(difference, interval) };
}

/**
 * The verdict on all claims together: they hold when each does; they do not when one does not; else, as
 * long as all were run, they are not shown.
 */
export function together(claims: readonly JudgedClaim[]): ClaimVerdict {
  const verdicts = claims.map(({ verdict }) => verdict);
  if (verdicts.includes('does not hold')) return 'does not hold';
  if (verdicts.includes('not run')) return 'not run';
  return verdicts.includes('not shown') ? 'not shown' : 'holds';
}

/** The values of a summary by their seeds. */
export function bySeedOf(summary: Summary | null): BySeed {
  return new Map(
    (summary?.seeds ?? []).map((seed, index) => [seed, summary?.values[index] ?? Number.NaN]),
  );
}

function verdictOn(
  difference: Summary | null,
  interval: Interval | null,
): Pick<JudgedClaim, 'verdict' | 'why'> {
  if (difference === null) return { verdict: 'not run', why: '' };
  if (interval === null) return { verdict: 'not shown', why: 'one seed: no interval' };
  if (interval.low > 0) return { verdict: 'holds', why: '' };
  if (interval.high < 0) return { verdict: 'does not hold', why: '' };
  return { verdict: 'not shown', why: 'the interval holds 0' };
}
