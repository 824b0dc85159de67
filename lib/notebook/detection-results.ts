import { join } from 'node:path';
import { type DetectionRun, readDetectionRuns, studyNames } from '../runs/store';
import { packageRoot } from '../package-root';
import type { ResultsOptions } from './results';

/** One finished detector, as a row of a table: AP in percent. */
export interface DetectionResultRow {
  readonly study: string;
  /** Teacher first; a teacher's own run has itself alone. */
  readonly pair: string;
  readonly method: string;
  readonly seed: number;
  readonly dataset: string;
  readonly iterations: number;
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
}

/** The finished runs of table 3, one row each, for a `DataFrame`. */
export function readDetectionResults(options: ResultsOptions = {}): DetectionResultRow[] {
  return readFinishedDetectors(options).map(({ config, evaluation }) => {
    const { study, pair, method, seed, dataset, iterations } = config;
    const { AP, AP50, AP75 } = evaluation.stats;
    const percent = (share: number): number => (share < 0 ? NaN : 100 * share);
    return {
      study,
      pair,
      method,
      seed,
      dataset,
      iterations,
      AP: percent(AP),
      AP50: percent(AP50),
      AP75: percent(AP75),
    };
  });
}

/** The same runs whole: losses over the iterations, precision–recall curves, AP by category. */
export function readFinishedDetectors({
  results = join(packageRoot(), 'results'),
  study = 'table3',
}: ResultsOptions = {}): (DetectionRun & {
  readonly evaluation: NonNullable<DetectionRun['evaluation']>;
})[] {
  return studyNames(results, study)
    .flatMap((name) => readDetectionRuns(results, name))
    .flatMap((run) => (run.evaluation === null ? [] : [{ ...run, evaluation: run.evaluation }]));
}
