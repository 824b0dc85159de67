import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { takesGpuPath } from '../engine/native';
import { tidied } from '../engine/tidy';
import { dataError, interruptedError, type LabError, numericsError } from '../errors';
import type { StateTensor } from '../nn/state';
import { checkRecord } from '../records';
import { checkpointsOf, restoreCheckpoint, saveCheckpoint } from './checkpoint';
import {
  backward,
  type Differentiated,
  type Measured,
  summedOverParts,
  type Unread,
} from './gradients';
import { addLine, restoreLines } from './metrics';
import {
  counted,
  initialProgress,
  moved,
  namedLosses,
  type Trainable,
  type TrainingRun,
  type TrainingTask,
} from './task';

export { removeTrainingState } from './checkpoint';
export type { BatchState, TrainingEvents, TrainingRun, TrainingTask } from './task';

const defaultCheckpointSeconds = 900;

/**
 * The training loop of every task: from the newest checkpoint, or from the beginning, to the last epoch.
 * The same task and seed give the same bytes on the same machine, however often the run was cut off.
 *
 * What it calls an epoch is a period of the task: of a detector some iterations.
 *
 * @throws LabError when the loss is not finite, the run is interrupted, or the data give no batch.
 */
export async function train<Batch, At, Line, Tested>(
  task: TrainingTask<Batch, At, Line, Tested>,
  run: TrainingRun<Line>,
): Promise<void> {
  const { learner, metrics, periods, steps, batchesPerPeriod } = task;
  const { directory, recipeHash, signal, onBatch, onEpoch, checkpointEvery } = run;
  const { onNotice = () => undefined, assertHeld = () => undefined } = run;
  const checkpointSeconds = run.checkpointSeconds ?? defaultCheckpointSeconds;
  const checkpoints = checkpointsOf(directory);

  // Restore.
  assertHeld();
  const saved = restoreCheckpoint(checkpoints, learner, recipeHash, onNotice);
  let progress = saved?.progress ?? initialProgress(learner);
  let lines: readonly Line[] = checkRecord(
    z.array(metrics.schema),
    saved?.metrics ?? [],
    checkpoints,
    'Delete it',
  );
  restoreLines(directory, lines);
  if (progress.step > 0) onNotice(`resumed after ${task.place(progress)}`);

  let last = { step: progress.step, at: performance.now() };
  const checkpointIsDue = (): boolean =>
    progress.step - last.step >= (checkpointEvery ?? Infinity) ||
    performance.now() - last.at > 1000 * checkpointSeconds;
  // Of the newest step. On a GPU's path it waits until the next step is under way, so that the device never does.
  const late = takesGpuPath();
  let unlogged: (() => void) | undefined;
  const log = (): void => {
    const newest = unlogged;
    unlogged = undefined;
    newest?.();
  };
  const checkpoint = (): void => {
    log();
    assertHeld();
    saveCheckpoint(checkpoints, learner, { recipeHash, progress, metrics: [...lines] });
    last = { step: progress.step, at: performance.now() };
  };

  // For each epoch …
  while (progress.period < periods) {
    const started = performance.now();
    const resumed = progress.batch > 0;

    // … and each batch of data:
    for await (const batch of task.batches(progress)) {
      // The steps are synchronous: without a pause no signal, timer or notebook output would get through.
      await setImmediate();
      assertHeld();
      if (signal?.aborted) {
        checkpoint();
        throw interrupted(task.place(progress));
      }
      if (progress.step > last.step && checkpointIsDue()) checkpoint();

      // Learning rate, and a step.
      const learningRate = task.learningRate(progress);
      const stepStarted = performance.now();
      const at = task.at(progress);
      const step = trainingStep(learner, batch, at, learningRate, { late });

      // Log.
      log();
      const images = learner.size(batch);
      progress = moved(progress, learningRate);
      const place = {
        epoch: progress.period + 1,
        epochs: periods,
        batch: progress.batch,
        batches: batchesPerPeriod,
        step: progress.step,
        steps,
        learningRate,
        images,
        seconds: (performance.now() - stepStarted) / 1000,
      };
      unlogged = () => {
        const measured = step.read();
        progress = counted(progress, measured, images);
        const losses = namedLosses(learner.lossNames, measured.terms);
        onBatch?.({ ...place, loss: measured.total, losses });
      };
      if (!late) log();
    }
    log();
    if (progress.batch === 0) throw noBatch(task.place(progress));

    // Evaluate, and log the epoch.
    const tested = await task.evaluate();
    const line = task.line(progress, tested);
    assertHeld();
    lines = addLine(directory, metrics, lines, line);

    // Checkpoint.
    progress = { ...initialProgress(learner), period: progress.period + 1, step: progress.step };
    if (checkpointEvery === undefined || checkpointIsDue() || progress.period === periods) {
      checkpoint();
    }
    // A half epoch's time would pass for a whole one's.
    onEpoch?.(line, resumed ? NaN : (performance.now() - started) / 1000);
  }
  learner.average?.settle();
}

/**
 * One step: forward, losses, backward, clip, step of the optimiser.
 *
 * @param late whether the losses are not read before the weights change, but when the result's `read` is called
 * @returns the losses; where they are late, to be read once, before the step after the next
 * @throws LabError of kind `numerics` when a loss is not finite, late from `read`; then no weight has changed.
 */
export function trainingStep<Batch, At>(
  learner: Trainable<Batch, At>,
  batch: Batch,
  at: At,
  learningRate: number,
  { late = false }: { readonly late?: boolean } = {},
): Unread {
  const { parameters, clip, optimiser, average } = learner;
  const finite = (losses: Unread): Measured => {
    const measured = losses.read();
    requireFinite(measured, learner.lossNames, learner.where(at));
    return measured;
  };
  const differentiate = (part: Batch, index: number): Differentiated => {
    // A term's memory holds one part at a time.
    if (index > 0) learner.endPart(true, false);
    const forward = learner.forward(part, at);
    try {
      const found = backward(() => forward.losses(), parameters, forward.traced);
      if (late) return found;
      const measured = finite(found.losses);
      return { ...found, losses: { read: () => measured } };
    } finally {
      forward.dispose();
    }
  };
  const shareOf = (part: Batch): number => learner.size(part) / learner.size(batch);
  let kept = false;
  return tidied(() => {
    try {
      const parts = learner.parts(batch);
      const { gradients, losses } = summedOverParts(parts, shareOf, differentiate);
      const step = late ? undoable(parameters, () => finite(losses)) : losses;
      optimiser.step(clip?.clip(gradients) ?? gradients, learningRate);
      average?.update();
      kept = true;
      return step;
    } finally {
      learner.endPart(kept, kept);
    }
  });
}

/** Gives the parameters the numbers back that they have now if reading throws. */
function undoable(parameters: readonly StateTensor[], read: () => Measured): Unread {
  // Of the same memory: nothing is copied.
  const before = parameters.map(({ value }) => tf.keep(tf.clone(value)));
  return {
    read() {
      try {
        const measured = read();
        tf.dispose(before);
        return measured;
      } catch (error) {
        parameters.forEach((parameter, index) => {
          const value = before[index];
          if (value) parameter.replace(value);
        });
        throw error;
      }
    },
  };
}

function requireFinite({ total, terms }: Measured, names: readonly string[], where: string): void {
  if (Number.isFinite(total)) return;
  const shares = names.map((name, index) => `${name} ${String(terms[index])}`).join(', ');
  throw numericsError`the loss is not a finite number (${where}): found total ${total} (${shares}). Lower the learning rate or the weight of the term that is not finite`;
}

function interrupted(place: string): LabError {
  return interruptedError`stopped after ${place}; everything is saved. Run the same command again to go on from there`;
}

function noBatch(place: string): LabError {
  return dataError`the data give no batch (after ${place}). Give a data set with more images, or a smaller batch`;
}
