import { paperGain, paperTable } from '../../paper';
import { familyOf, paperMethodOf } from '../methods';
import {
  type BySeed,
  type Interval,
  pairedDifference,
  pValue,
  type Summary,
} from '../../statistics/summary';

/** The paper's gain over all its pairs, where it has not this pair. */
export interface PaperRange extends Interval {
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
    paperRange: inPaper || rows === null ? null : paperRange(rows.method, rows.over),
  };
}

/** The paper's two rows that a gain stands beside. It has one student alone, whatever the recipe. */
function paperRows(method: string, over: string): { method: string; over: string } | null {
  const first = paperMethodOf(method);
  const second = familyOf(over) === 'student' ? 'student' : paperMethodOf(over);
  return first === null || second === null ? null : { method: first, over: second };
}

/** The smallest and the largest gain of one row of the paper's table over another. */
export function paperRange(method: string, over: string): PaperRange | null {
  const gains = paperTable('table1').pairs.flatMap(
    ({ pair }) => paperGain({ table: 'table1', pair, method }, over) ?? [],
  );
  return gains.length === 0
    ? null
    : { low: Math.min(...gains), high: Math.max(...gains), pairs: gains.length };
}
