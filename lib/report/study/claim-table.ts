import { count, none, range, signed, spread } from '../words';
import type { ClaimVerdict, JudgedClaim } from './claims';
import type { Cell, TableBlock } from './document';

const tones: Readonly<Record<ClaimVerdict, NonNullable<Cell['tone']>>> = {
  holds: 'good',
  'does not hold': 'bad',
  'not shown': 'open',
  'not run': 'open',
};

/** Claims beside what was measured, a row each. */
export function claimTable(caption: string, claims: readonly JudgedClaim[]): TableBlock {
  return {
    kind: 'table',
    caption,
    head: ['claim', 'difference', '95 %', 'seeds', 'measured here'],
    rows: claims.map(({ statement, difference, interval, verdict, why }) => ({
      cells: [
        statement,
        difference === null ? none : spread(difference, signed),
        range(interval, signed),
        difference === null ? none : count(difference.n, 'seed'),
        verdictCell(verdict, why),
      ],
      idle: verdict === 'not run',
    })),
  };
}

/** A verdict and, where it is not shown, why. */
export function verdictCell(verdict: ClaimVerdict, why = ''): Cell {
  return { text: verdict, tone: tones[verdict], ...(why === '' ? {} : { below: [why] }) };
}
