import { adjustedPs, bySeedOf, pairedDifference, type Summary } from '../../statistics/summary';
import type { Trend } from '../../statistics/trend';
import {
  type ClaimOutcome,
  type ClaimScale,
  type JudgedOutcome,
  outcomeInWords,
  verdictOnClaim,
} from '../../statistics/verdicts';
import type { Cell, TableBlock } from '../document';
import {
  count,
  formatInterval,
  formatP,
  formatPercent,
  formatSummary,
  none,
  toFixed2,
  toSigned2,
} from '../numbers';
import { rowOf, type StudyPair, type StudyRow } from './model';

/** How clear a rise over sizes is when size is drawn by lot. */
export function permutationWords({ rank, permutation, sizes }: Trend): string {
  return `rank correlation ${toFixed2(rank)}, and ${formatPercent(permutation)} of all orders of ${String(sizes)} sizes rise as steeply`;
}

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

/** Claims that one method is above several others: what each says, by the other. */
export function claimsOver(
  better: string,
  statements: Readonly<Record<string, string>>,
  of: Measure = top1,
): Claim[] {
  return Object.entries(statements).map(([worse, statement]) => ({ statement, better, worse, of }));
}

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

const tones: Readonly<Record<ClaimOutcome, NonNullable<Cell['tone']>>> = {
  reproduced: 'good',
  contradicted: 'bad',
  inconclusive: 'open',
  'not run': 'open',
};

/** The head of a column of p values that are adjusted for all of its table. */
export const pHead = 'p (Holm)';

/** Claims beside what was measured, a row each. */
export function claimTable(
  caption: string,
  claims: readonly JudgedClaim[],
  scale: ClaimScale,
): TableBlock {
  const compared = claims.filter(({ p }) => p !== null).length;
  return {
    kind: 'table',
    caption: `${caption}${adjustedNote(compared)}`,
    head: ['claim', 'difference', '95 %', 'seeds', pHead, 'measured here'],
    rows: claims.map(({ statement, difference, p, outcome, why }) => ({
      cells: [
        statement,
        difference === null ? none : formatSummary(difference, toSigned2),
        formatInterval(difference?.interval ?? null, toSigned2),
        difference === null ? none : count(difference.n, 'seed'),
        formatP(p),
        verdictCell(outcome, scale, why),
      ],
      idle: outcome === 'not run',
    })),
  };
}

/** What a caption says of its p values; nothing without any. */
export function adjustedNote(comparisons: number): string {
  return comparisons === 0
    ? ''
    : ` (p: paired t-tests, adjusted by Holm for ${count(comparisons, 'comparison')})`;
}

/** A verdict with its scale and, where it is inconclusive, why. */
export function verdictCell(outcome: ClaimOutcome, scale: ClaimScale, why = ''): Cell {
  return {
    text: outcomeInWords(outcome, scale),
    tone: tones[outcome],
    ...(why === '' ? {} : { below: [why] }),
  };
}
