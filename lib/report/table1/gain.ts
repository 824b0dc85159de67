import { findPaperNumber, paperGain, paperTable } from '../../paper';
import { familyOf, paperMethodOf } from '../methods';
import { pairedDifference, pValue, type BySeed, type Summary } from '../../statistics/summary';

/** The paper's gain over all its pairs, where it has not this pair. */
export interface PaperRange {
  readonly low: number;
  readonly high: number;
  /** How many pairs of the paper it spans. */
  readonly pairs: number;
}

/** What a method gains over another in points of top-1: measured on equal seeds, and in the paper. */
export interface Gain {
  /** A row of the student alone, or a base of a `++` method. */
  readonly over: string;
  readonly measured: Summary | null;
  /** Of the paired t-test, adjusted by Holm for its column of a pair's table; null for fewer than three seeds. */
  readonly p: number | null;
  /** On this very pair; null where the paper has no such pair or number. */
  readonly paper: number | null;
  /** Set only where the paper has not this pair: then no single number can stand beside. */
  readonly paperRange: PaperRange | null;
}

/** The gain of a method over another on one pair; its p value is not adjusted for any other. */
export function gainOver(
  { pair, method }: { readonly pair: string; readonly method: string },
  over: string,
  first: BySeed,
  second: BySeed,
): Gain {
  const rows = paperRows(method, over);
  const inPaper = paperTable('table1').pairs.some((known) => known.pair === pair);
  const measured = pairedDifference(first, second);
  return {
    over,
    measured,
    p: pValue(measured),
    paper: rows && paperGain({ table: 'table1', pair, method: rows.method }, rows.over),
    paperRange: inPaper || rows === null ? null : paperRange(rows),
  };
}

interface PaperRows {
  readonly method: string;
  readonly over: string;
}

/** The paper's two rows that a gain stands beside. It has one student alone, whatever the recipe. */
function paperRows(method: string, over: string): PaperRows | null {
  const first = paperMethodOf(method);
  const second = familyOf(over) === 'student' ? 'student' : paperMethodOf(over);
  return first === null || second === null ? null : { method: first, over: second };
}

function paperRange({ method, over }: PaperRows): PaperRange | null {
  const table = 'table1';
  const gains = paperTable(table)
    .pairs.filter(({ pair }) => findPaperNumber({ table, pair, method }) !== null)
    .map(({ pair }) => paperGain({ table, pair, method }, over))
    .filter((gain) => gain !== null);
  return gains.length === 0
    ? null
    : { low: Math.min(...gains), high: Math.max(...gains), pairs: gains.length };
}
