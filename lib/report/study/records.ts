import { type CsvRecord, summaryColumns } from '../csv';
import type { StudyGroup, StudyPair, StudyRow } from './model';

/** A study as records: one a method on a pair that was run. */
export function studyRecords(groups: readonly StudyGroup[]): CsvRecord[] {
  return groups.flatMap((group) =>
    group.pairs.flatMap((pair) =>
      pair.rows
        .filter(({ runs, unfinished }) => runs.length + unfinished.length > 0)
        .map((row) => recordOf(group, pair, row)),
    ),
  );
}

function recordOf({ setting }: StudyGroup, pair: StudyPair, row: StudyRow): CsvRecord {
  return {
    dataset: setting.dataset,
    scale: setting.scale,
    epochs: setting.epochs,
    batch_size: setting.batchSize,
    precision: setting.precision,
    data_hash: setting.dataHash,
    pair: pair.pair,
    teacher: pair.teacher,
    student: pair.student,
    teacher_parameters: pair.teacherParameters,
    student_parameters: pair.studentParameters,
    teacher_top1: pair.teacherTop1,
    method: row.method,
    label: row.label,
    ...summaryColumns('top1', row.top1),
    ...summaryColumns('best_top1', row.best),
    base: row.base,
    ...summaryColumns('gain_over_base', row.overBase),
    ...summaryColumns('gain_over_student', row.overStudent),
    ...summaryColumns('student_norm', row.studentNorm),
    teacher_norm: row.teacherNorm,
    ...summaryColumns('cosine', row.cosine),
    teacher_cosine: row.teacherCosine,
    unfinished_seeds: row.unfinished.map(({ seed }) => seed).join(' '),
    revisions: [...new Set(row.runs.map(({ revision }) => revision ?? 'unknown'))].join(' '),
    run_directories: row.runs.map(({ directory }) => directory).join(' '),
  };
}
