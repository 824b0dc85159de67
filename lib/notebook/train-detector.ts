import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cocoBatches } from '../coco/batches';
import type { CocoBatchOptions, CocoDataset } from '../coco/data';
import { createDetectionLearner, type DetectionLearnerOptions } from '../detection/learner';
import { trainDetector } from '../detection/train-detector';
import { type DetectionMetrics, readDetectionMetrics } from '../detection/training-metrics';
import type { IterationSchedule } from '../train/schedule';
import { showProgress } from './progress';

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
  const directory = mkdtempSync(join(tmpdir(), 'norm-direction-cell-'));
  const progress = showProgress(title, iterations, 'iterations');
  const iterationsPerEpoch = dataset.training.length / images.batchSize;
  const learner = createDetectionLearner({ iterationsPerEpoch, ...options });
  const { seed, student } = options;
  try {
    await trainDetector({
      learner,
      iterations,
      schedule,
      directory,
      recipeHash: 'cell',
      metricsEvery,
      checkpointEvery: iterations,
      batches: (firstBatch) =>
        cocoBatches(dataset, { ...images, seed, pixels: student.pixels, firstBatch }),
      onBatch: ({ step, loss }) => {
        progress.update(step, `loss ${loss.toFixed(3)}`);
      },
    });
    const lines = readDetectionMetrics(directory);
    progress.finish(`loss ${lines.at(-1)?.total.toFixed(3) ?? '–'}`);
    return lines;
  } finally {
    learner.dispose();
    rmSync(directory, { recursive: true, force: true });
  }
}
