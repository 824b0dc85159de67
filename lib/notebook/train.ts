import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EpochMetrics } from '../train/epoch-metrics';
import { type ClassifierTraining, trainClassifier } from '../train/classifier';
import type { TrainingEvents } from '../train/train';
import { showProgress } from './progress';

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
  const directory = mkdtempSync(join(tmpdir(), 'norm-direction-cell-'));
  const metrics: EpochMetrics[] = [];
  const shown = epochsInCell(title, options.recipe.epochs);
  try {
    await trainClassifier({
      ...options,
      directory,
      recipeHash: 'cell',
      ...shown,
      onEpoch: (epoch, seconds) => {
        metrics.push(epoch);
        shown.onEpoch?.(epoch, seconds);
      },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return metrics;
}

/** Shows a training of so many epochs as one line of progress in the cell. */
export function epochsInCell(title: string, epochs: number): TrainingEvents {
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
