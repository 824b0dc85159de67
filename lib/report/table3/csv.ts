import { stringify } from 'csv-stringify/sync';
import { type CsvCell, summaryColumns } from '../csv';
import { directoryBelow, type Table3Group, tableFigures } from './model';

/** Table 3 as CSV: one line a cell, all digits, empty where there is no number. */
export function renderTable3Csv(groups: readonly Table3Group[], root: string): string {
  const records = groups.flatMap((group) =>
    group.pairs.flatMap(({ pair, teacher, student, rows }) =>
      rows.map((row): Record<string, CsvCell> => ({
        dataset: group.dataset,
        scale: group.scale,
        data_hash: group.dataHash,
        pair,
        teacher,
        student,
        method: row.method,
        label: row.label,
        paper_AP: row.paper,
        ...Object.assign(
          {},
          ...tableFigures.map((name) => summaryColumns(name, row.measured[name])),
        ),
        ...summaryColumns('gain_over_student', row.overStudent),
        ...summaryColumns('gain_over_base', row.overBase),
        verdict: row.verdict,
        reasons: row.reasons.join('; '),
        run_directories: row.runs.map((run) => directoryBelow(root, run)).join(' '),
      })),
    ),
  );
  return stringify(records, {
    header: true,
    cast: { number: (value) => String(value) },
    ...(records.length > 0 ? {} : { columns: ['dataset'] }),
  });
}
