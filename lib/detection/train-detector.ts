import { dataError } from '../errors';
import type { Progress } from '../train/checkpoint';
import { type IterationSchedule, rateAtIteration } from '../train/schedule';
import { meanLosses, type TrainingRun, type TrainingTask } from '../train/task';
import { train } from '../train/train';
import type { DetectionBatch } from './coco/data';
import type { DetectionLearner, IterationPlace } from './learner';
import { type DetectionMetrics, detectionMetricsForm } from './training-metrics';

export interface DetectorTraining extends TrainingRun<DetectionMetrics> {
  readonly learner: DetectionLearner;
  readonly iterations: number;
  readonly schedule: IterationSchedule;
  /** The batches from `firstBatch` on, without end; the same whenever one starts there. */
  readonly batches: (firstBatch: number) => AsyncIterable<DetectionBatch>;
  /** A line of metrics holds the mean of so many iterations (20). */
  readonly metricsEvery?: number;
  /** A checkpoint is written after so many iterations (500), and at the end. */
  readonly checkpointEvery?: number;
}

/**
 * Trains a detector from its newest checkpoint, or from its beginning, to the last iteration. The same
 * options and seed give the same bytes on the same machine, however often the run was cut off.
 *
 * @throws LabError as `train` does, and when the batches end.
 */
export async function trainDetector(training: DetectorTraining): Promise<void> {
  const { checkpointEvery = 500 } = training;
  const stream = drawnOnce(training);
  try {
    await train(detectorTask(training, stream.from), { ...training, checkpointEvery });
  } finally {
    await stream.close();
  }
}

/** A detector as the loop trains it: in periods of some iterations, with nothing evaluated between them. */
function detectorTask(
  { learner, iterations, schedule, metricsEvery = 20 }: DetectorTraining,
  batchesFrom: (iteration: number, end: number) => AsyncIterable<DetectionBatch>,
): TrainingTask<DetectionBatch, IterationPlace, DetectionMetrics, undefined> {
  return {
    learner,
    periods: Math.ceil(iterations / metricsEvery),
    batchesPerPeriod: metricsEvery,
    steps: iterations,
    metrics: detectionMetricsForm,
    batches: ({ batch, step }) =>
      batchesFrom(step, Math.min(step - batch + metricsEvery, iterations)),
    learningRate: ({ step }) => rateAtIteration(schedule, step),
    at: ({ step }) => ({ iteration: step }),
    evaluate: () => Promise.resolve(undefined),
    line: (progress) => detectionMetrics(learner, progress),
    place: ({ step }) => `iteration ${step}`,
  };
}

function detectionMetrics({ lossNames }: DetectionLearner, progress: Progress): DetectionMetrics {
  const { losses, total } = meanLosses(lossNames, progress);
  return { iteration: progress.step, learningRate: progress.sums.rates.last, total, losses };
}

/** The training's batches, drawn on from period to period: what is decoded ahead is not lost between them. */
function drawnOnce({ batches, iterations }: DetectorTraining): {
  from(iteration: number, end: number): AsyncIterable<DetectionBatch>;
  close(): Promise<void>;
} {
  let stream: AsyncIterator<DetectionBatch> | undefined;
  return {
    async *from(first, end) {
      stream ??= batches(first)[Symbol.asyncIterator]();
      for (let iteration = first; iteration < end; iteration++) {
        const next = await stream.next();
        if (next.done === true) {
          throw dataError`the batches ended before the training: found ${iteration} of ${iterations}. Give a data set with at least one image with an object`;
        }
        yield next.value;
      }
    },
    async close() {
      await stream?.return?.();
    },
  };
}
