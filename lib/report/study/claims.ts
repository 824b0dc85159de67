import { adjustedPs } from '../../statistics/holm';
import { bySeedOf, pairedDifference, type Summary } from '../../statistics/summary';
import { type JudgedOutcome, verdictOnClaim } from '../../statistics/verdicts';
import { rowOf, type StudyPair, type StudyRow } from './model';

/** Something that a claim compares; top-1 unless said otherwise. */
export type Measure = (row: StudyRow) => Summary | null;

/** A claim that one method is above another. */
export interface Claim {
  readonly statement: string;
  readonly better: string;
  readonly worse: string;
  readonly of?: Measure;
}

/** A claim that a difference is above 0. */
export interface ClaimedDifference {
  readonly statement: string;
  /** What is above minus what is below, on the seeds that both have; null where it was not run. */
  readonly difference: Summary | null;
}

/** A claim beside what was measured. */
export interface JudgedClaim extends ClaimedDifference, JudgedOutcome {
  /** Of the paired t-test, adjusted by Holm for the claims judged with it; null for fewer than three seeds. */
  readonly p: number | null;
}

/** Top-1 after the last epoch. */
export const top1: Measure = (row) => row.top1;

/** What a claim on one pair compares, by the paired differences over the seeds. */
export function claimed(
  pair: StudyPair,
  { statement, better, worse, of = top1 }: Claim,
): ClaimedDifference {
  const values = (method: string): Summary | null => {
    const row = rowOf(pair, method);
    return row === undefined ? null : of(row);
  };
  return {
    statement,
    difference: pairedDifference(bySeedOf(values(better)), bySeedOf(values(worse))),
  };
}

/** The verdicts on the claims of one table, each adjusted for the others. */
export function judgeTogether(claims: readonly ClaimedDifference[]): JudgedClaim[] {
  const ps = adjustedPs(claims.map(({ difference }) => difference));
  return claims.map((claim, index) => {
    const p = ps[index] ?? null;
    return { ...claim, p, ...verdictOnClaim(claim.difference, p) };
  });
}
