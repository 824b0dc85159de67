import { type ClaimOutcome, type ClaimScale, outcomeInWords } from '../../statistics/verdicts';
import { count, none, pInWords, range, signed, spread } from '../words';
import type { JudgedClaim } from './claims';
import type { Cell, TableBlock } from './document';

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
        difference === null ? none : spread(difference, signed),
        range(difference?.interval ?? null, signed),
        difference === null ? none : count(difference.n, 'seed'),
        pInWords(p),
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
