import { cocoBatches } from '../detection/coco/batches';
import type { CocoBatchOptions, CocoDataset } from '../detection/coco/data';
import { createDetectionLearner, type DetectionLearnerOptions } from '../detection/learner';
import { trainDetector } from '../detection/train-detector';
import { type DetectionMetrics, readDetectionMetrics } from '../detection/training-metrics';
import { inTemporaryFolder } from '../processes';
import type { ModelName } from '../models/registry';
import type { Classification } from '../runs/classification';
import { runTitle } from '../runs/console-reporter';
import type { StudyEvents } from '../runs/run-study';
import type { SweepOptions } from '../runs/sweep/options';
import type { SweepResult } from '../runs/sweep/result';
import { sweep } from '../runs/sweep/sweep';
import { type ClassifierTraining, trainClassifier } from '../train/classifier';
import type { EpochMetrics } from '../train/metrics';
import type { IterationSchedule } from '../train/schedule';
import type { TrainingEvents } from '../train/train';
import { show, showLive } from './table';

/** A line under a cell that tells how far a piece of work is. */
export interface CellProgress {
  /**
   * Tells how much is done.
   *
   * @param note what else to say, such as the loss
   */
  update(done: number, note?: string): void;
  /** The last state of the line. Without clock times in it, so that equal runs leave equal notebooks. */
  finish(note?: string): void;
}

const barWidth = 24;
/** Milliseconds between two changes of the line. */
const interval = 200;

/**
 * Shows live progress in a cell, with the time that is left. The work must pause now and then
 * (`await setImmediate()`, as training does between batches) to let anything be shown.
 *
 * @param unit of what is counted: `batches`, `epochs`
 */
export function showProgress(title: string, total: number, unit = 'steps'): CellProgress {
  const started = Date.now();
  let shownAt = 0;
  let last = 0;
  const line = (done: number, note: string, isLive: boolean): { 'text/plain': string } => {
    const filled = Math.round((barWidth * Math.min(done, total)) / Math.max(total, 1));
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    const left =
      isLive && done > 0 ? timeLeft(((Date.now() - started) * (total - done)) / done) : '';
    const parts = [`${String(Math.floor(done))} of ${String(total)} ${unit}`, left, note];
    return { 'text/plain': `${title} ${bar} ${parts.filter((part) => part !== '').join(', ')}` };
  };
  const display = showLive(line(0, '', true));
  return {
    update: (done, note = '') => {
      last = done;
      if (Date.now() - shownAt < interval) return;
      shownAt = Date.now();
      display.update(line(done, note, true));
    },
    finish: (note = '') => {
      display.update(line(Math.max(last, total), note, false));
    },
  };
}

function timeLeft(milliseconds: number): string {
  return `${String(Math.ceil(milliseconds / 1000))} s left`;
}

const folderName = 'cell';

/** What `trainClassifier` takes, without what only a run that can be resumed needs. */
export type CellTrainingOptions = Omit<
  ClassifierTraining,
  'recipeHash' | 'directory' | 'onBatch' | 'onEpoch' | 'onNotice' | 'signal' | 'assertHeld'
>;

/**
 * Trains a student under live progress in the cell, by the same loop as the tables' runs, and keeps no
 * files. The student holds the last epoch's weights afterwards.
 *
 * @returns the metrics of each epoch
 * @throws LabError as `trainClassifier` does.
 */
export async function trainInCell(
  title: string,
  options: CellTrainingOptions,
): Promise<EpochMetrics[]> {
  const metrics: EpochMetrics[] = [];
  const shown = epochsInCell(title, options.recipe.epochs);
  await untilInterrupted((directory, signal) =>
    trainClassifier({
      ...options,
      directory,
      recipeHash: 'cell',
      signal,
      ...shown,
      onEpoch: (epoch, seconds) => {
        metrics.push(epoch);
        shown.onEpoch?.(epoch, seconds);
      },
    }),
  );
  return metrics;
}

/**
 * Does work in a folder that goes with it. An interrupt of the cell ends it: otherwise it would go on behind
 * the cells that follow.
 */
function untilInterrupted<T>(
  work: (directory: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.on('SIGINT', stop);
  return inTemporaryFolder(folderName, (directory) => work(directory, controller.signal)).finally(
    () => process.off('SIGINT', stop),
  );
}

/** Shows a training of so many epochs as one line of progress in the cell. */
function epochsInCell(title: string, epochs: number): TrainingEvents {
  const progress = showProgress(title, epochs, 'epochs');
  return {
    onBatch: ({ epoch, batch, batches, loss }) => {
      const done = epoch - 1 + batch / batches;
      progress.update(Math.min(done, epoch), `loss ${loss.toFixed(3)}`);
    },
    onEpoch: ({ epoch, testTop1 }) => {
      if (epoch === epochs) progress.finish(`test accuracy ${testTop1.toFixed(1)} %`);
    },
  };
}

/** A training of a detector in a cell. */
export interface CellDetectionOptions extends DetectionLearnerOptions {
  readonly dataset: CocoDataset;
  readonly images: Pick<CocoBatchOptions, 'batchSize' | 'shortSides' | 'longest' | 'flip'>;
  readonly iterations: number;
  readonly schedule: IterationSchedule;
  /** A line of the result is the mean of so many iterations (10). */
  readonly metricsEvery?: number;
}

/**
 * Trains a detector under live progress in the cell, by the same loop as the tables' runs, and keeps no
 * files. The student holds the last iteration's weights afterwards.
 *
 * @returns the losses, each with its weight in it, as means over some iterations
 * @throws LabError as `createDetectionLearner` and `trainDetector` do.
 */
export async function trainDetectorInCell(
  title: string,
  { dataset, images, iterations, schedule, metricsEvery = 10, ...options }: CellDetectionOptions,
): Promise<readonly DetectionMetrics[]> {
  const progress = showProgress(title, iterations, 'iterations');
  const iterationsPerEpoch = dataset.training.length / images.batchSize;
  const learner = createDetectionLearner({ iterationsPerEpoch, ...options });
  const { seed, student } = options;
  try {
    const lines = await untilInterrupted(async (directory, signal) => {
      await trainDetector({
        signal,
        learner,
        iterations,
        schedule,
        directory,
        recipeHash: 'cell',
        metricsEvery,
        checkpointEvery: iterations,
        batches: (firstBatch) =>
          cocoBatches(dataset, { ...images, seed, pixels: student.pixels, firstBatch }),
        onBatch: ({ step, loss }) => progress.update(step, `loss ${loss.toFixed(3)}`),
      });
      return readDetectionMetrics(directory);
    });
    progress.finish(`loss ${lines.at(-1)?.total.toFixed(3) ?? '–'}`);
    return lines;
  } finally {
    learner.dispose();
  }
}

/** What `sweep` takes; where its runs are to be kept may be left out. */
export type CellSweepOptions<T extends string, S extends string, M extends string> = Omit<
  SweepOptions<T, S, M>,
  'name' | 'events'
> & { readonly name?: string };

/** Characters of a run's title, so that the bars stand below each other. */
const titleWidth = 34;

/**
 * Runs a sweep under live progress in the cell, a line for each training. Its runs are kept where
 * `results` says, and the same cell then trains only what is missing; without `results` nothing is kept.
 *
 * @throws LabError as `sweep` does.
 */
export async function sweepInCell<
  const T extends ModelName,
  const S extends ModelName,
  M extends string,
>(options: CellSweepOptions<T, S, M>): Promise<SweepResult<T, S, M>> {
  const { name = 'cell', results, signal } = options;
  return untilInterrupted((folder, interrupt) =>
    sweep({
      ...options,
      ...{ name, results: results ?? folder, events: shownEvents },
      signal: signal === undefined ? interrupt : AbortSignal.any([interrupt, signal]),
    }),
  );
}

const shownEvents: StudyEvents<Classification> = {
  onRun: (run) => epochsInCell(runTitle(run).padEnd(titleWidth), run.recipe.epochs),
  onRunEnd: (run, outcome) => {
    if (outcome !== 'trained') show({ 'text/plain': `${runTitle(run)}: ${outcome}` });
  },
};
