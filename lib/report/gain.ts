import { findPaperNumber, paperGain, paperTable } from '../results/paper';
import { pairedDifference, type BySeed, type Summary } from './statistics';

/** The paper's gain over all its pairs, where it has not this pair. */
export interface PaperRange {
  readonly low: number;
  readonly high: number;
  /** How many pairs of the paper it spans. */
  readonly pairs: number;
}

/** What a method gains over another in points of top-1: measured on equal seeds, and in the paper. */
export interface Gain {
  /** `student` (alone) or the base of a `++` method. */
  readonly over: string;
  readonly measured: Summary | null;
  /** On this very pair; null where the paper has no such pair or number. */
  readonly paper: number | null;
  /** Set only where the paper has not this pair: then no single number can stand beside. */
  readonly paperRange: PaperRange | null;
}

/** The method that a `++` method adds the ND loss to: `kd` for `kd++`; null for the others. */
export function baseOf(method: string): string | null {
  return method.endsWith('++') && method.length > 2 ? method.slice(0, -2) : null;
}

/** The gain of a method over another on one pair. */
export function gainOver(
  { pair, method }: { readonly pair: string; readonly method: string },
  over: string,
  first: BySeed,
  second: BySeed,
): Gain {
  const paper = paperGain({ table: 'table1', pair, method }, over);
  const inPaper = paperTable('table1').pairs.some((known) => known.pair === pair);
  return {
    over,
    measured: pairedDifference(first, second),
    paper,
    paperRange: inPaper ? null : paperRange(method, over),
  };
}

function paperRange(method: string, over: string): PaperRange | null {
  const table = 'table1';
  const gains = paperTable(table)
    .pairs.filter(({ pair }) => findPaperNumber({ table, pair, method }) !== null)
    .map(({ pair }) => paperGain({ table, pair, method }, over))
    .filter((gain) => gain !== null);
  return gains.length === 0
    ? null
    : { low: Math.min(...gains), high: Math.max(...gains), pairs: gains.length };
}
