import { type Summary, withAdjustedPs } from '../statistics/summary';
import type { Cell } from './document';
import { formatInterval, formatP, formatSummary, toFixed2, toSigned2 } from './numbers';

/** A number with its interval below. */
export function summaryCell(
  summary: Summary | null,
  format: (value: number) => string = toFixed2,
): string | Cell {
  const interval = summary?.interval ?? null;
  return withBelow(formatSummary(summary, format), interval && formatInterval(interval, format));
}

/** A cell with one more line below it, where there is one. */
export function withBelow(cell: string | Cell, line: string | null): string | Cell {
  if (line === null) return cell;
  const { below = [], ...rest } = typeof cell === 'string' ? { text: cell } : cell;
  return { ...rest, below: [...below, line] };
}

/** A gain with its interval and p value. */
export function gainCell(gain: Summary | null, p: number | null): string | Cell {
  return withBelow(summaryCell(gain, toSigned2), p === null ? null : `p ${formatP(p)}`);
}

/** The heads of the columns behind a difference's own. */
export const [intervalHead, pHead] = ['95 %', 'p (Holm)'] as const;

/** A difference, its interval and its adjusted p value, in a column each. */
export function differenceCells(
  difference: Summary | null,
  p: number | null,
): [difference: string, interval: string, p: string] {
  return [
    formatSummary(difference, toSigned2),
    formatInterval(difference?.interval ?? null, toSigned2),
    formatP(p),
  ];
}

/** What is said of a setting whose runs all go on. */
export const nothingFinished = 'No run is finished yet: there is nothing to compare.';

/** What must be said where one of the numbers stands on a single seed. */
export function onSeeds(numbers: readonly (Summary | null)[]): string[] {
  return numbers.some((summary) => summary?.n === 1)
    ? ['Some of these numbers come from a single seed: nothing is known of their spread.']
    : [];
}

/** What a caption says of the p values in its columns of gains. */
export const columnNote = 'p: paired t-tests, adjusted by Holm for the comparisons of their column';

/** Gains with their intervals and p values, each adjusted for the others of its column. */
export function gainCells(gains: readonly (Summary | null)[]): (string | Cell)[] {
  const compared = gains.map((gain) => ({ gain }));
  return withAdjustedPs(compared, ({ gain }) => gain).map(({ gain, p }) => gainCell(gain, p));
}
