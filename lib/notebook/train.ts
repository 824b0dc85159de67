import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EpochMetrics } from '../results/schema';
import { train } from '../train/train';
import type { TrainingOptions } from '../train/train';
import { showProgress } from './progress';

/** What `train` takes, without what only a run that can be resumed needs. */
export type CellTrainingOptions = Omit<
  TrainingOptions,
  'recipeHash' | 'directory' | 'onBatch' | 'onEpoch' | 'onNotice' | 'signal' | 'assertHeld'
>;

/**
 * Trains a student under live progress in the cell, by the same loop as the tables' runs, and keeps no
 * files. The student holds the last epoch's weights afterwards.
 *
 * @returns the metrics of each epoch
 * @throws LabError as `train` does.
 */
export async function trainInCell(
  title: string,
  options: CellTrainingOptions,
): Promise<EpochMetrics[]> {
  const directory = mkdtempSync(join(tmpdir(), 'norm-direction-cell-'));
  const metrics: EpochMetrics[] = [];
  const progress = showProgress(title, options.recipe.epochs, 'epochs');
  try {
    await train({
      ...options,
      directory,
      recipeHash: 'cell',
      onBatch: ({ epoch, batch, batches, loss }) => {
        const done = epoch - 1 + batch / batches;
        progress.update(Math.min(done, epoch), `loss ${loss.toFixed(3)}`);
      },
      onEpoch: (epoch) => {
        metrics.push(epoch);
      },
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const top1 = metrics.at(-1)?.testTop1;
  progress.finish(top1 === undefined ? '' : `test accuracy ${top1.toFixed(1)} %`);
  return metrics;
}
