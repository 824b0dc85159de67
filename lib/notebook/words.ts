import type { PaperTableName } from '../paper';
import { readPaper } from './results';
import { showTable } from './table';
import { bySetting, type ClaimRow, type MethodRow } from './summary';

/** Above the columns of summaries and verdicts. */
const words: Readonly<Record<string, string>> = {
  top1: 'top-1, %',
  std: 'deviation',
  norm: 'norm',
  cosine: 'cosine to class mean',
};
const interval = '95 % interval';

/** How rows are shown. */
export interface RowsOptions {
  /** Settings with fewer rows are left out: 1 unless given. */
  readonly least?: number;
  /** Longer names of methods. */
  readonly names?: Readonly<Record<string, string>>;
}

/** Shows what methods reached, or verdicts on claims: a table for each study, pair and length. */
export function showRows(
  rows: readonly MethodRow[] | readonly ClaimRow[],
  { least = 1, names = {} }: RowsOptions = {},
): void {
  for (const { caption, rows: own } of bySetting<MethodRow | ClaimRow>(rows)) {
    if (own.length < least) continue;
    const texts = own.map((row) => inWords(row, names));
    const columns = Object.keys(texts[0] ?? {});
    const values = texts.map((row) => columns.map((name) => row[name]));
    showTable({ columns, values }, { caption });
  }
}

/** Shows the paper's table: a row for each method, a column for each pair. */
export function showPaper(
  table: PaperTableName,
  { caption, metric = 'top1' }: { readonly caption: string; readonly metric?: string },
): void {
  const numbers = readPaper(table).filter((row) => row.metric === metric);
  const pairs = [...new Set(numbers.map(({ pair }) => pair))];
  const methods = [...new Set(numbers.map(({ method }) => method))];
  const printed = (pair: string, method: string): number | null | undefined =>
    numbers.find((row) => row.pair === pair && row.method === method)?.paper;
  showTable(
    {
      columns: ['method', ...pairs.map((pair) => pair.replace(':', ' → '))],
      values: methods.map((method) => [method, ...pairs.map((pair) => printed(pair, method))]),
    },
    { caption },
  );
}

/** A row with words above its columns, and both ends of an interval in one. */
export function inWords(
  row: object,
  names: Readonly<Record<string, string>> = {},
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([key, value]): [string, unknown][] => {
      if (key === 'low') return [[interval, intervalText(row)]];
      if (key === 'high') return [];
      if (key === 'method') return [[key, names[String(value)] ?? value]];
      return [[words[key] ?? key, value]];
    }),
  );
}

/** Both ends of an interval in words, `+0.41 to +1.20`; null where there is none. */
export function intervalText(
  row: { readonly low?: number | null; readonly high?: number | null } | undefined,
): string | null {
  const { low, high } = row ?? {};
  if (low === null || low === undefined || high === null || high === undefined) return null;
  const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
  return `${signed(low)} to ${signed(high)}`;
}
