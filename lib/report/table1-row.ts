import { findPaperNumber, paperTable } from '../paper';
import type { RunConfig } from '../runs/schema';
import { isFinished, type Run } from '../runs/store';
import { gainOver, type Gain } from './gain';
import { bestEpoch, bySeed, lastTop1 } from '../runs/measures';
import { basesOf, labelOf, paperMethodOf, shortLabelOf, studentOf } from './methods';
import { summarise } from '../statistics/summary';
import { runReference, unfinishedRun } from './run-record';
import type { Table1Row } from './table1-model';
import { teacherEvidence } from './teacher';
import { reasonsNotComparable, verdictOf } from './verdict';

/** What all rows share. */
export interface RowOptions {
  /** The results directory, to which run directories are named relatively. */
  readonly root: string;
  /** Whether a run's recipe is the paper's own; by its scale alone where nothing is said. */
  readonly isPaperRecipe?: (config: RunConfig) => boolean;
}

/** What a row is built from. */
export interface RowInput {
  readonly pair: string;
  readonly method: string;
  /** All runs of the pair; for the teacher's row, the teacher's. */
  readonly runs: readonly Run[];
  /** All runs of the pair's student, alone and distilled. */
  readonly students: readonly Run[];
  readonly options: RowOptions;
}

/** Builds the row of one method on one pair from its finished runs. */
export function buildRow({ pair, method, runs, students, options }: RowInput): Table1Row {
  const { setting } = paperTable('table1');
  const { root, isPaperRecipe = () => true } = options;
  const own = runs.filter(({ config }) => config.method === method);
  const last = bySeed(own, lastTop1);
  const gain = (over: string | null | undefined): Gain | null =>
    typeof over !== 'string'
      ? null
      : gainOver(
          { pair, method },
          over,
          last,
          bySeed(
            students.filter(({ config }) => config.method === over),
            lastTop1,
          ),
        );
  const paperMethod = paperMethodOf(method);
  const paper =
    paperMethod === null ? null : findPaperNumber({ table: 'table1', pair, method: paperMethod });
  const paperTeacher = findPaperNumber({ table: 'table1', pair, method: 'teacher' })?.value ?? null;
  const evidence = method === 'teacher' ? teacherEvidence(own, students) : null;
  const measured = evidence?.measured ?? summarise(last);
  const finished = own.filter(isFinished);
  const elsewhere = evidence?.seenIn ?? [];
  const used = elsewhere.length === 0 ? finished : [];
  const behind = elsewhere.length === 0 ? finished : elsewhere;
  const reasons = [
    ...new Set(
      behind.flatMap((run) => reasonsNotComparable(run, { setting, paperTeacher, isPaperRecipe })),
    ),
  ];
  const value = paper?.value ?? null;
  const [base, published] = basesOf(method);
  const sameData = behind.every(({ config }) => config.dataset === setting.dataset);
  return {
    method,
    label: labelOf(method),
    shortLabel: shortLabelOf(method),
    paper,
    measured,
    best: summarise(bySeed(used, (run) => bestEpoch(run)?.top1)),
    difference: measured !== null && value !== null && sameData ? measured.mean - value : null,
    overStudent: gain(studentOf(method)),
    overBase: gain(base),
    overPublished: gain(published),
    verdict: verdictOf({ measured, paper: value, reasons }),
    reasons,
    origin: evidence?.origin ?? null,
    runs: used.flatMap((run) => runReference(run, root)),
    unfinished: own.filter((run) => !isFinished(run)).map((run) => unfinishedRun(run, root)),
  };
}
