import { stringify } from 'csv-stringify/sync';
import type { Summary } from '../statistics/summary';

/** A value of a record. */
export type CsvCell = string | number | null;

/** What is a line of CSV: values by column. */
export type CsvRecord = Readonly<Record<string, CsvCell>>;

/** Mean, spread and interval in columns of a record that begin with a name. */
export function summaryColumns(name: string, summary: Summary | null): CsvRecord {
  return {
    [`${name}_mean`]: summary?.mean ?? null,
    [`${name}_std`]: summary?.std ?? null,
    [`${name}_n`]: summary?.n ?? 0,
    [`${name}_seeds`]: summary?.seeds.join(' ') ?? null,
    [`${name}_low`]: summary?.interval?.low ?? null,
    [`${name}_high`]: summary?.interval?.high ?? null,
  };
}

/** Records as CSV: all digits, empty where there is no number. */
export function renderCsv({ records }: { readonly records: readonly CsvRecord[] }): string {
  return stringify([...records], {
    header: true,
    cast: { number: (value) => String(value) },
    ...(records.length > 0 ? {} : { columns: ['dataset'] }),
  });
}
