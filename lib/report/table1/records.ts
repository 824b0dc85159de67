import { type CsvRecord, summaryColumns } from '../csv';
import type { Gain } from './gain';
import type { Table1, Table1Group, Table1Pair, Table1Row } from './model';

/** Table 1 as records: one a cell. */
export function table1Records({ groups }: Table1): CsvRecord[] {
  return groups.flatMap((group) =>
    group.pairs.flatMap((pair) => pair.rows.map((row) => recordOf(group, pair, row))),
  );
}

function recordOf(
  { setting }: Table1Group,
  { pair, teacher, student }: Table1Pair,
  row: Table1Row,
): CsvRecord {
  return {
    dataset: setting.dataset,
    scale: setting.scale,
    epochs: setting.epochs,
    batch_size: setting.batchSize,
    precision: setting.precision,
    data_hash: setting.dataHash,
    pair,
    teacher,
    student,
    method: row.method,
    label: row.label,
    paper_top1: row.paper?.value ?? null,
    ...summaryColumns('top1', row.measured),
    ...summaryColumns('best_top1', row.best),
    difference: row.difference,
    student_alone: row.overStudent?.over ?? null,
    ...gainColumns('gain_over_student', row.overStudent),
    base: row.overBase?.over ?? null,
    ...gainColumns('gain_over_base', row.overBase),
    published_base: row.overPublished?.over ?? null,
    ...gainColumns('gain_over_published', row.overPublished),
    verdict: row.verdict,
    reasons: row.reasons.join('; '),
    unfinished_seeds: row.unfinished.map(({ seed }) => seed).join(' '),
    teacher_origin: row.origin,
    revisions: [
      ...new Set(
        row.runs.map(
          ({ revision, dirty }) => `${revision ?? 'unknown'}${dirty === true ? '+changes' : ''}`,
        ),
      ),
    ].join(' '),
    run_directories: row.runs.map(({ directory }) => directory).join(' '),
    paper_source: row.paper?.source ?? null,
    paper_note: row.paper?.note ?? null,
  };
}

function gainColumns(name: string, gain: Gain | null): CsvRecord {
  return {
    ...summaryColumns(name, gain?.measured ?? null),
    [`${name}_p_holm`]: gain?.p ?? null,
    [`${name}_paper`]: gain?.paper ?? null,
    [`${name}_paper_lowest`]: gain?.paperRange?.low ?? null,
    [`${name}_paper_highest`]: gain?.paperRange?.high ?? null,
  };
}
