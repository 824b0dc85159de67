import { setImmediate } from 'node:timers/promises';
import type { DetectionBatch } from '../coco/data';
import { LabError } from '../errors';
import type { DetectionLearner } from './learner';
import { detectionRateAt, type DetectionSchedule } from './schedule';
import {
  type DetectionMetrics,
  meanLosses,
  readDetectionMetrics,
  writeDetectionMetrics,
} from './training-metrics';
import { restoreDetection, saveDetection } from './training-checkpoint';

/** What is said after each iteration. */
export interface DetectionProgress {
  /** Iterations done. */
  readonly iteration: number;
  readonly iterations: number;
  readonly learningRate: number;
  readonly total: number;
  /** By `learner.lossNames`. */
  readonly losses: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export interface DetectorTraining {
  readonly learner: DetectionLearner;
  readonly iterations: number;
  readonly schedule: DetectionSchedule;
  /**
   * The batches from `firstBatch` on, without end; the same whenever one starts there.
   */
  readonly batches: (firstBatch: number) => AsyncIterable<DetectionBatch>;
  /** The run's folder: `metrics.jsonl` and `checkpoints/` go there. */
  readonly directory: string;
  /** Of all that decides the run: a checkpoint of another is not resumed. */
  readonly recipeHash: string;
  /** A line of metrics holds the mean of so many iterations (20). */
  readonly metricsEvery?: number;
  /** A checkpoint is written after so many iterations (500), and at the end. */
  readonly checkpointEvery?: number;
  /** Aborting it saves a checkpoint and stops with an error of kind `interrupted`. */
  readonly signal?: AbortSignal;
  readonly onIteration?: (progress: DetectionProgress) => void;
  readonly onNotice?: (message: string) => void;
  /** Called before every step and every write; throws when the run belongs to another process by now. */
  readonly assertHeld?: () => void;
}

/**
 * Trains a detector from its newest checkpoint, or from its beginning, to the last iteration. The same
 * options and seed give the same bytes on the same machine, however often the run was cut off.
 *
 * @throws LabError when a loss is not finite, the run is interrupted, or the batches end.
 */
export async function trainDetector(training: DetectorTraining): Promise<void> {
  const { learner, iterations, directory, signal, metricsEvery = 20 } = training;
  const restored = restoreDetection(training);
  let done = restored?.iteration ?? 0;
  const pending: DetectionMetrics[] = [...(restored?.pending ?? [])];
  const written = readDetectionMetrics(directory).filter(({ iteration }) => iteration <= done);
  if (done > 0) training.onNotice?.(`resumed after iteration ${done}`);
  const save = (): void => {
    training.assertHeld?.();
    writeDetectionMetrics(directory, written);
    saveDetection(training, { iteration: done, pending });
  };
  const stopIfAborted = (): void => {
    if (!signal?.aborted) return;
    save();
    throw interrupted(done);
  };
  if (done >= iterations) return;
  for await (const batch of training.batches(done)) {
    // The steps are synchronous: without a pause no signal, timer or notebook output would get through.
    await setImmediate();
    training.assertHeld?.();
    stopIfAborted();
    const started = performance.now();
    const learningRate = detectionRateAt(training.schedule, done);
    const { total, losses } = learner.step(batch, { iteration: done, learningRate });
    done++;
    const named = Object.fromEntries(
      learner.lossNames.map((name, index) => [name, losses[index] ?? NaN]),
    );
    pending.push({ iteration: done, learningRate, total, losses: named });
    if (done % metricsEvery === 0 || done === iterations) {
      written.push(meanLosses(pending));
      pending.length = 0;
    }
    if (done % (training.checkpointEvery ?? 500) === 0 || done === iterations) save();
    training.onIteration?.({
      iteration: done,
      iterations,
      learningRate,
      total,
      losses: named,
      seconds: (performance.now() - started) / 1000,
    });
    if (done === iterations) return;
  }
  throw new LabError({
    kind: 'data',
    what: 'the batches ended before the training',
    found: `${done} of ${iterations}`,
    remedy: 'Give a data set with at least one image with an object',
  });
}

function interrupted(iteration: number): LabError {
  return new LabError({
    kind: 'interrupted',
    what: `stopped after iteration ${iteration}; everything is saved`,
    remedy: 'Run the same command again to go on from there',
  });
}
