import { adjustedPs, type Summary } from '../statistics/summary';
import type { Cell } from './document';
import { formatInterval, formatP, formatSummary, none, toFixed2, toSigned2 } from './numbers';

/** A number with its interval below. */
export function summaryCell(
  summary: Summary | null,
  format: (value: number) => string = toFixed2,
): string | Cell {
  if (summary === null) return none;
  const text = formatSummary(summary, format);
  return summary.interval === null
    ? text
    : { text, below: [formatInterval(summary.interval, format)] };
}

/** A cell with more lines below it. */
export function withBelow(cell: string | Cell, ...lines: string[]): string | Cell {
  if (lines.length === 0) return cell;
  const { below = [], ...rest } = typeof cell === 'string' ? { text: cell } : cell;
  return { ...rest, below: [...below, ...lines] };
}

/** A gain with its interval and p value. */
export function gainCell(gain: Summary | null, p: number | null): string | Cell {
  return withBelow(summaryCell(gain, toSigned2), ...(p === null ? [] : [`p ${formatP(p)}`]));
}

/** What a caption says of the p values in its columns of gains. */
export const columnNote = 'p: paired t-tests, adjusted by Holm for the comparisons of their column';

/** Gains with their intervals and p values, each adjusted for the others of its column. */
export function gainCells(gains: readonly (Summary | null)[]): (string | Cell)[] {
  const ps = adjustedPs(gains);
  return gains.map((gain, index) => gainCell(gain, ps[index] ?? null));
}
