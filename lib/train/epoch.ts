import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { random } from '../engine/random';
import { LabError } from '../errors';
import { readMetrics } from '../results/metrics';
import { asBatchSource, batchesOfEpoch, type TrainingBatch } from './batch-source';
import { type EpochSums, type Progress, saveCheckpoint } from './checkpoint';
import type { Batch, Learner, StepResult } from './learner';
import type { TrainingRecipe } from './recipe';
import { learningRateOf } from './schedule';
import type { TrainingOptions } from './train';

/** Seconds between two checkpoints inside an epoch. */
const defaultCheckpointSeconds = 900;

/**
 * The rest of an epoch: every batch that the source gives from there on. A checkpoint is saved every
 * quarter of an hour, and when the run is interrupted.
 */
export async function trainEpoch(
  options: TrainingOptions,
  learner: Learner,
  from: Progress,
): Promise<Progress> {
  const { recipe, dataset, seed, signal, checkpointSeconds = defaultCheckpointSeconds } = options;
  const { epoch } = from;
  const source = asBatchSource(dataset);
  const { batchSize, augmentation } = recipe;
  const batches = batchesOfEpoch(dataset, batchSize);
  let progress = from;
  let savedAt = performance.now();
  const request = { seed, epoch, firstBatch: from.batch, batchSize, augmentation };
  for await (const read of source.trainingBatches(request)) {
    // The steps are synchronous: without a pause no signal, timer or notebook output would get through.
    await setImmediate();
    options.assertHeld?.();
    if (signal?.aborted) {
      saveProgress(options, learner, progress);
      throw interrupted(progress);
    }
    if (progress.batch > from.batch && performance.now() - savedAt > 1000 * checkpointSeconds) {
      saveProgress(options, learner, progress);
      savedAt = performance.now();
    }
    const index = progress.batch;
    const batch = tensorsOf(read, source);
    const learningRate = learningRateOf(recipe, { epoch, batch: index, batches });
    const result = learner.step(batch, {
      epoch,
      learningRate,
      random: random(seed, 'dropout', epoch, index),
    });
    tf.dispose([batch.images, batch.labels, batch.mix?.partners, batch.mix?.lambda]);
    progress = {
      epoch,
      batch: index + 1,
      step: progress.step + 1,
      learningRate: progress.learningRate ?? learningRate,
      sums: addTo(progress.sums, result, read.count),
    };
    options.onBatch?.({
      epoch: epoch + 1,
      epochs: recipe.epochs,
      batch: index + 1,
      batches,
      loss: result.total,
      images: read.count,
    });
  }
  return progress;
}

/** Where a run that has done nothing stands. */
export function beginning({ method }: TrainingRecipe): Progress {
  const terms = method.terms.map(() => 0);
  return { epoch: 0, batch: 0, step: 0, sums: { terms, total: 0, correct: 0, samples: 0 } };
}

/** Writes a checkpoint of where the run stands. */
export function saveProgress(
  { directory, recipeHash }: TrainingOptions,
  learner: Learner,
  progress: Progress,
): void {
  const metrics = readMetrics(directory).epochs;
  saveCheckpoint(checkpointsOf(directory), learner, { recipeHash, progress, metrics });
}

export function checkpointsOf(directory: string): string {
  return join(directory, 'checkpoints');
}

function tensorsOf(
  { images, labels, indices, count, mix }: TrainingBatch,
  { height, width }: { height: number; width: number },
): Batch {
  return {
    images: tf.tensor4d(images, [count, height, width, 3]),
    labels: tf.tensor1d(labels, 'int32'),
    indices,
    ...(mix
      ? {
          mix: {
            partners: tf.tensor1d(
              mix.partner.map((row) => labels[row] ?? -1),
              'int32',
            ),
            lambda: tf.tensor1d(mix.lambda),
          },
        }
      : {}),
  };
}

/** Losses are means over a batch; the epoch's mean weighs them by its samples. */
function addTo(sums: EpochSums, { total, terms, correct }: StepResult, samples: number): EpochSums {
  return {
    terms: sums.terms.map((sum, index) => sum + (terms[index] ?? NaN) * samples),
    total: sums.total + total * samples,
    correct: sums.correct + correct,
    samples: sums.samples + samples,
  };
}

function interrupted({ epoch, batch }: Progress): LabError {
  return new LabError({
    kind: 'interrupted',
    what: `stopped in epoch ${epoch + 1} after ${batch} batches; everything is saved`,
    remedy: 'Run the same command again to go on from there',
  });
}
