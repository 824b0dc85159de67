import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { resultsError } from '../errors';
import { packageRoot } from '../package-root';
import { findPaperNumber, paperTable, type PaperTableName } from '../paper';
import { claimScaleOf } from '../report/verdict';
import { isFinishedDetection } from '../report/table3/model';
import {
  classifierRuns,
  type DetectionRun,
  isFinished,
  readDetectionRuns,
  readRuns,
  type Run,
  runDirectories,
  storeOf,
  studyNames,
} from '../runs/store';
import type { ClaimScale } from '../statistics/verdicts';
import type { EpochMetrics } from '../train/metrics';

/** Where runs are looked for. */
export interface ResultsOptions {
  /** The results folder: this project's by default. */
  readonly results?: string;
  /** Only studies whose name begins so: `table1-short` */
  readonly study?: string;
}

interface Identity {
  readonly study: string;
  /** Teacher first; a teacher's own run has itself alone. */
  readonly pair: string;
  readonly method: string;
  readonly seed: number;
}

/** One finished run, as a row of a table. */
export interface ResultRow extends Identity {
  readonly epochs: number;
  /** What a verdict on a claim stands on: `full`, `reduced` or `toy`. */
  readonly scale: ClaimScale;
  /** Top-1 of the last epoch, percent. */
  readonly top1: number;
  /** Top-1 of the best epoch, percent. */
  readonly best: number;
  /** Mean ‖f_s‖ over the test images after the last epoch. */
  readonly norm: number;
  /** Mean cosine to the own class mean there; null where the method has no class means. */
  readonly cosine: number | null;
}

/** One epoch of a run, as a row of a table. */
export interface EpochRow extends Omit<ResultRow, 'epochs' | 'scale' | 'best'> {
  readonly epoch: number;
}

/**
 * The finished runs of classifiers, one row each, for a `DataFrame`; detectors' have `readDetectionResults`.
 *
 * @throws LabError of kind `results` where the folder that is named is not there, or a run is broken.
 */
export function readResults(options: ResultsOptions = {}): ResultRow[] {
  return runsOf(options)
    .filter(isFinished)
    .flatMap((run) => {
      const { config, metrics } = run;
      const last = metrics.at(-1);
      if (last === undefined) return [];
      const best = Math.max(...metrics.map(({ testTop1 }) => testTop1));
      const { epochs } = config;
      const scale = claimScaleOf(config, [metrics.map(({ testTop1 }) => testTop1)]);
      return [{ ...identity(run), epochs, scale, top1: last.testTop1, best, ...features(last) }];
    });
}

/** Every epoch of those runs, also of unfinished ones. @throws LabError as `readResults` does */
export function readEpochs(options: ResultsOptions = {}): EpochRow[] {
  return runsOf(options).flatMap((run) =>
    run.metrics.map((epoch) => ({
      ...identity(run),
      epoch: epoch.epoch,
      top1: epoch.testTop1,
      ...features(epoch),
    })),
  );
}

/** One of the paper's printed numbers; null where it is not known. */
export interface PaperRow {
  readonly pair: string;
  readonly method: string;
  readonly metric: string;
  readonly paper: number | null;
}

/** The paper's numbers of a table, one row each. */
export function readPaper(table: PaperTableName): PaperRow[] {
  const { rows, pairs } = paperTable(table);
  return rows.flatMap(({ method, metric }) =>
    pairs.map(({ pair }) => ({
      pair,
      method,
      metric,
      paper: findPaperNumber({ table, pair, method, metric })?.value ?? null,
    })),
  );
}

/** A cell's own folder is not that of the commands: a name below it may mean another place. */
function folderOf(given: string | undefined): string {
  if (given === undefined || existsSync(given)) return given ?? join(packageRoot(), 'results');
  throw resultsError`there are no runs to read (results): found no folder ${resolve(given)}. Name the folder that a command was given as --results, or a sweep as results`;
}

function runsOf({ results: given, study = '' }: ResultsOptions): Run[] {
  const results = folderOf(given);
  return studyNames(results, study)
    .filter((name) => runDirectories(results, name).every((run) => storeOf(run) === classifierRuns))
    .flatMap((name) => readRuns(results, name));
}

function identity({ config }: { readonly config: Identity }): Identity {
  const { study, pair, method, seed } = config;
  return { study, pair, method, seed };
}

function features(metrics: EpochMetrics): Pick<ResultRow, 'norm' | 'cosine'> {
  return { norm: metrics.studentNorm, cosine: metrics.cosineToClassMean };
}

/** One finished detector, as a row of a table: AP in percent. */
export interface DetectionResultRow extends Identity {
  readonly dataset: string;
  readonly iterations: number;
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
}

/** The finished runs of table 3, one row each, for a `DataFrame`. @throws LabError as `readResults` does */
export function readDetectionResults(options: ResultsOptions = {}): DetectionResultRow[] {
  return readFinishedDetectors(options).map(({ config, evaluation }) => {
    const { dataset, iterations } = config;
    const { AP, AP50, AP75 } = evaluation.stats;
    const percent = (share: number): number => (share < 0 ? NaN : 100 * share);
    const shares = { AP: percent(AP), AP50: percent(AP50), AP75: percent(AP75) };
    return { ...identity({ config }), dataset, iterations, ...shares };
  });
}

/**
 * The same runs whole: losses over the iterations, precision–recall curves, AP by category.
 *
 * @throws LabError as `readResults` does.
 */
export function readFinishedDetectors({
  results: given,
  study = 'table3',
}: ResultsOptions = {}): (DetectionRun & {
  readonly evaluation: NonNullable<DetectionRun['evaluation']>;
})[] {
  const results = folderOf(given);
  return studyNames(results, study)
    .flatMap((name) => readDetectionRuns(results, name))
    .flatMap((run) =>
      run.evaluation === null || !isFinishedDetection(run)
        ? []
        : [{ ...run, evaluation: run.evaluation }],
    );
}
