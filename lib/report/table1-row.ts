import { relative, sep } from 'node:path';
import { findPaperNumber, paperTable } from '../results/paper';
import type { RunConfig } from '../results/schema';
import { isFinished, type Run } from '../results/store';
import { baseOf, gainOver } from './gain';
import { bestEpoch, bySeed, lastTop1 } from './group';
import { labelOf } from './paper-order';
import { summarise } from './statistics';
import type { RunReference, Table1Row, UnfinishedRun } from './table1-model';
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
  const lastOf = (other: string): Map<number, number> =>
    bySeed(
      students.filter(({ config }) => config.method === other),
      lastTop1,
    );
  const paper = findPaperNumber({ table: 'table1', pair, method });
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
  const base = baseOf(method);
  const sameData = behind.every(({ config }) => config.dataset === setting.dataset);
  return {
    method,
    label: labelOf(method),
    paper,
    measured,
    best: summarise(bySeed(used, (run) => bestEpoch(run)?.top1)),
    difference: measured !== null && value !== null && sameData ? measured.mean - value : null,
    overStudent:
      method === 'teacher' || method === 'student'
        ? null
        : gainOver({ pair, method }, 'student', last, lastOf('student')),
    overBase: base === null ? null : gainOver({ pair, method }, base, last, lastOf(base)),
    verdict: verdictOf({ measured, paper: value, reasons }),
    reasons,
    origin: evidence?.origin ?? null,
    runs: used.flatMap((run) => reference(run, root)),
    unfinished: own.filter((run) => !isFinished(run)).map((run) => unfinished(run, root)),
  };
}

function reference(run: Run, root: string): RunReference[] {
  const last = lastTop1(run);
  const best = bestEpoch(run);
  if (last === undefined || best === undefined) return [];
  return [
    {
      seed: run.config.seed,
      directory: below(root, run.directory),
      last,
      best: best.top1,
      bestEpoch: best.epoch,
      revision: run.provenance?.revision ?? null,
      dirty: run.provenance?.dirty ?? null,
    },
  ];
}

function unfinished(run: Run, root: string): UnfinishedRun {
  const { config, metrics, provenance } = run;
  return {
    seed: config.seed,
    directory: below(root, run.directory),
    epochs: metrics.length,
    of: config.epochs,
    why: provenance?.error ?? provenance?.ended ?? null,
  };
}

function below(root: string, directory: string): string {
  return relative(root, directory).split(sep).join('/');
}
