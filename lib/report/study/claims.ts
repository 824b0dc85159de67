import {
  type BySeed,
  bySeedOf,
  pairedDifference,
  type Summary,
  withAdjustedPs,
} from '../../statistics/summary';
import {
  type ClaimOutcome,
  type ClaimScale,
  type JudgedOutcome,
  outcomeInWords,
  verdictOnClaim,
} from '../../statistics/verdicts';
import { differenceCells, intervalHead, pHead } from '../cells';
import type { Cell, TableBlock } from '../document';
import { count, none } from '../numbers';
import { areComparable, rowOf, type StudyPair, type StudyRow } from './model';

/** A claim that a difference is above 0. */
export interface ClaimedDifference {
  readonly statement: string;
  /** The methods that it compares, where it does. */
  readonly better?: string;
  readonly worse?: string;
  /** What is above minus what is below, on the seeds that both have; null where it was not run. */
  readonly difference: Summary | null;
}

/** A claim beside what was measured. */
export interface JudgedClaim extends ClaimedDifference, JudgedOutcome {
  /** Of the paired t-test, adjusted by Holm for the claims judged with it; null for fewer than three seeds. */
  readonly p: number | null;
}

/** A claim about whichever pair. */
export type Claim = (pair: StudyPair) => ClaimedDifference;

/**
 * Claims that one method is above several others, by the paired differences over the seeds: what each
 * says, by the other.
 *
 * @param of - what they compare: top-1 unless given
 */
export function claimsOver(
  better: string,
  statements: Readonly<Record<string, string>>,
  of: (row: StudyRow) => Summary | null = ({ top1 }) => top1,
): Claim[] {
  return Object.entries(statements).map(([worse, statement]) => (pair) => {
    const values = (method: string): BySeed => {
      const row = rowOf(pair, method);
      return bySeedOf(row === undefined ? null : of(row));
    };
    return {
      statement,
      better,
      worse,
      difference: areComparable(pair, better, worse)
        ? pairedDifference(values(better), values(worse))
        : null,
    };
  });
}

/** The verdicts on the claims of one table, each adjusted for the others. */
export function judgeTogether<Claimed extends ClaimedDifference>(
  claims: readonly Claimed[],
): (Claimed & JudgedClaim)[] {
  return withAdjustedPs(claims, ({ difference }) => difference).map((claim) => ({
    ...claim,
    ...verdictOnClaim(claim.difference, claim.p),
  }));
}

/** The verdicts on claims about one pair. */
export function judgedOn(pair: StudyPair, claims: readonly Claim[]): JudgedClaim[] {
  return judgeTogether(claims.map((claim) => claim(pair)));
}

/** Claims about one pair beside what was measured. */
export function claimsOn(pair: StudyPair, caption: string, claims: readonly Claim[]): TableBlock {
  return claimTable(`${caption} on ${pair.pair}`, judgedOn(pair, claims), pair.claimScale);
}

const tones: Readonly<Record<ClaimOutcome, NonNullable<Cell['tone']>>> = {
  reproduced: 'good',
  contradicted: 'bad',
  inconclusive: 'open',
  'not run': 'open',
};

/** Claims beside what was measured, a row each. */
export function claimTable(
  caption: string,
  claims: readonly JudgedClaim[],
  scale: ClaimScale,
): TableBlock {
  return {
    kind: 'table',
    caption: `${caption}${adjustedNote(claims)}`,
    head: ['claim', 'difference', intervalHead, 'seeds', pHead, 'measured here'],
    rows: claims.map(({ statement, difference, p, outcome, why }) => {
      const [shown, interval, shownP] = differenceCells(difference, p);
      const seeds = difference === null ? none : count(difference.n, 'seed');
      return {
        cells: [statement, shown, interval, seeds, shownP, verdictCell(outcome, scale, why)],
        idle: outcome === 'not run',
      };
    }),
  };
}

/** What a caption says of the p values of claims; nothing without any. */
export function adjustedNote(claims: readonly JudgedClaim[]): string {
  const comparisons = claims.filter(({ p }) => p !== null).length;
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
