import type { RunConfig } from '../runs/schema';
import type { Run } from '../runs/store';
import type { PaperTable } from '../paper';
import { isPublished, paperMethodOf, studentOf } from './methods';
import type { Summary } from '../statistics/summary';
import { verdictOnNumber } from '../statistics/verdicts';
import { trainedHere } from './teacher';

/** What a measured cell says of the paper's number. */
export const verdicts = [
  'reproduced',
  'differs',
  'inconclusive',
  'reduced',
  'no paper number',
  'not run',
] as const;
export type Verdict = (typeof verdicts)[number];

/** A teacher whose measured accuracy is further from the paper's, in points, is another teacher. */
export const teacherTolerance = 0.3;

/** What a verdict is drawn from. */
export interface Evidence {
  readonly measured: Summary | null;
  /** The paper's number; null where it prints none or we do not know it. */
  readonly paper: number | null;
  /** Why the runs are not the paper's own setting; empty when they are. */
  readonly reasons: readonly string[];
}

/**
 * The verdict on a cell: `not run` without a finished run; `reduced` when the runs are not the
 * paper's own setting, whatever the numbers; `no paper number` where there is nothing to compare
 * with; else what the 95 % interval of the mean says of the paper's number.
 */
export function verdictOf({ measured, paper, reasons }: Evidence): Verdict {
  if (measured === null) return 'not run';
  if (reasons.length > 0) return 'reduced';
  if (paper === null) return 'no paper number';
  return verdictOnNumber(measured.interval, paper);
}

/** What a run must have to be the paper's own setting. */
export interface PaperSetting extends Pick<PaperTable, 'setting'> {
  /** The paper's accuracy of this pair's teacher, where it is known. */
  readonly paperTeacher: number | null;
  /** Whether the losses and the optimiser are the paper's. */
  readonly isPaperRecipe: (config: RunConfig) => boolean;
}

/**
 * Why a run is not the paper's own setting, in words; empty when it is. The schedule, the data set,
 * the batch, the recipe and, for a distilled student, the teacher must be the paper's. The batch of a
 * published recipe is part of that recipe; a row that the paper does not have has no recipe to differ from.
 */
export function reasonsNotComparable(
  { config, provenance }: Run,
  { setting, paperTeacher, isPaperRecipe }: PaperSetting,
): string[] {
  const reasons: string[] = [];
  const differs = (
    what: string,
    found: string | number,
    expected: string | number | null,
  ): void => {
    if (expected !== null && found !== expected) {
      reasons.push(`${what} ${String(found)} instead of ${String(expected)}`);
    }
  };
  differs('data set', config.dataset, setting.dataset);
  differs('scale', config.scale, 'paper');
  differs('epochs', config.epochs, setting.epochs);
  if (!isPublished(config.method)) differs('batch', config.batchSize, setting.batchSize);
  if (paperMethodOf(config.method) !== null && !isPaperRecipe(config)) {
    reasons.push('the recipe is not the paper’s');
  }
  if (studentOf(config.method) === null) return reasons;
  const source = provenance?.teacherSource ?? null;
  const accuracy = provenance?.teacherTop1 ?? null;
  if (source === null) reasons.push('the teacher’s origin was not recorded');
  else if (source === trainedHere) {
    reasons.push('the teacher was trained here, not the published one');
  } else if (accuracy === null) reasons.push('the teacher’s accuracy was not measured');
  else if (paperTeacher !== null && Math.abs(accuracy - paperTeacher) > teacherTolerance + 1e-9) {
    reasons.push(
      `a teacher of ${accuracy.toFixed(2)} % instead of the paper’s ${paperTeacher.toFixed(2)} %`,
    );
  }
  return reasons;
}
