import { stringify } from 'csv-stringify/sync';
import type { ReportDocument } from '../document';
import type { CsvCell } from '../numbers';

/** A document's records as CSV: all digits, empty where there is no number. */
export function renderCsv({ records }: Pick<ReportDocument, 'records'>): string {
  return stringify([...records] satisfies Record<string, CsvCell>[], {
    header: true,
    cast: { number: (value) => String(value) },
    ...(records.length > 0 ? {} : { columns: ['dataset'] }),
  });
}
