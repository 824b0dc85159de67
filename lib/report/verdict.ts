import { paperTable, type PaperTable } from '../paper';
import { bySeed, lastTop1 } from '../runs/measures';
import type { RunConfig } from '../runs/schema';
import { isFinished, type Run } from '../runs/store';
import { summarise, type Summary } from '../statistics/summary';
import {
  type ClaimScale,
  claimScales,
  hasConverged,
  verdictOnNumber,
} from '../statistics/verdicts';
import { isPublished, paperMethodOf, studentOf } from './methods';

/** Of the released train.sh; the paper's table does not say. */
const deitEpochs = 300;

/**
 * The scale of verdicts on claims: `full` on one of the paper's data sets with its schedule and batch,
 * `reduced` on one of them when every run has converged, else `toy`.
 *
 * @param curves - top-1 after each epoch, of each run behind the claims
 */
export function claimScaleOf(
  config: Pick<RunConfig, 'dataset' | 'scale' | 'epochs' | 'batchSize'> &
    Partial<Pick<RunConfig, 'method'>>,
  curves: readonly (readonly number[])[],
): ClaimScale {
  const { dataset, scale, epochs, batchSize, method } = config;
  const settings = (['table1', 'table2', 'deit'] as const)
    .map((name) => paperTable(name).setting)
    .filter((setting) => setting.dataset === dataset);
  if (settings.length === 0) return 'toy';
  // A published row's batch is a part of its recipe.
  const ownBatch = method !== undefined && isPublished(method);
  const isPaper = settings.some(
    (paper) =>
      epochs === (paper.epochs ?? deitEpochs) && (ownBatch || batchSize === paper.batchSize),
  );
  if (scale === 'paper' && isPaper) return 'full';
  return curves.length > 0 && curves.every(hasConverged) ? 'reduced' : 'toy';
}

/** The scale of claims about runs of one setting, by those of them that are finished. */
export function claimScaleOfRuns(
  setting: Parameters<typeof claimScaleOf>[0],
  runs: readonly Run[],
): ClaimScale {
  const finished = runs.filter(isFinished);
  const curves = finished.map(({ metrics }) => metrics.map((epoch) => epoch.testTop1));
  const methods = finished.map(({ config }) => config.method);
  const [published] = methods.every(isPublished) ? methods : [];
  return claimScaleOf(
    published === undefined ? setting : { ...setting, method: published },
    curves,
  );
}

/** The scale of a claim on runs of several scales. */
export function weakestScale(scales: readonly ClaimScale[]): ClaimScale {
  return claimScales.filter((scale) => scales.includes(scale)).at(-1) ?? 'toy';
}

/** What a run's provenance says of a teacher that is not a published one. */
export const trainedHere = 'trained here';

/** The accuracy of a pair's teacher, and how it is known. */
export interface TeacherEvidence {
  readonly measured: Summary | null;
  readonly origin: string | null;
  /** The students' runs that recorded it, when no run of its own did. */
  readonly seenIn: readonly Run[];
}

/**
 * The accuracy of the teacher that a pair's students learnt from: of its own runs where it was
 * trained here, else as recorded when they were trained, each different teacher once.
 */
export function teacherEvidence(own: readonly Run[], students: readonly Run[]): TeacherEvidence {
  const seenIn = students.filter(
    (run) => isFinished(run) && typeof run.provenance?.teacherTop1 === 'number',
  );
  const published = seenIn.some(({ provenance }) => provenance?.teacherSource !== trainedHere);
  const trained = summarise(bySeed(own, lastTop1));
  if (trained !== null && !published) {
    return { measured: trained, origin: trainedHere, seenIn: [] };
  }
  const teachers = new Map<string, { top1: number; source: string }>();
  for (const { provenance } of seenIn) {
    if (provenance === null || provenance.teacherTop1 === null) continue;
    const source = provenance.teacherSource ?? 'unknown origin';
    teachers.set(provenance.teacherHash ?? source, { top1: provenance.teacherTop1, source });
  }
  const found = [...teachers.values()];
  const measured = summarise(new Map(found.map(({ top1 }, index) => [index, top1])));
  return {
    // The students' seeds say nothing about a teacher.
    measured: measured === null ? null : { ...measured, seeds: [] },
    origin: found.length === 0 ? null : [...new Set(found.map(({ source }) => source))].join('; '),
    seenIn,
  };
}

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
const teacherTolerance = 0.3;

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

/**
 * What of a run is not the paper's: `epochs 30 instead of 240`. Nothing where it is, or where nothing is
 * expected.
 */
export function instead(
  what: string,
  found: string | number,
  expected: string | number | null,
): string[] {
  return expected === null || found === expected
    ? []
    : [`${what} ${String(found)} instead of ${String(expected)}`];
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
  const reasons = [
    ...instead('data set', config.dataset, setting.dataset),
    ...instead('scale', config.scale, 'paper'),
    ...instead('epochs', config.epochs, setting.epochs),
    ...instead('batch', config.batchSize, isPublished(config.method) ? null : setting.batchSize),
  ];
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
