import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { median } from 'simple-statistics';
import { epochOrder, evaluationBatches, trainingBatch } from '../data/batches';
import { loadDataset } from '../data/registry';
import type { ImageDataset } from '../data/source';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { engineError, optionError } from '../errors';
import { createModel, modelName } from '../models/registry';
import { evaluate, evaluationBatchSize } from '../train/evaluate';
import {
  type BenchStepOptions,
  createBenchStep,
  type OnBenchProgress,
  timeEach,
  timeOnce,
  warmUpSteps,
} from './step';

export interface SurroundingsOptions extends Omit<BenchStepOptions, 'setting' | 'eager'> {
  /** Steps and batches that count. */
  readonly iterations: number;
  /** Of evaluation and the forward pass, in turn. */
  readonly rounds: number;
  readonly onProgress?: OnBenchProgress;
}

/** What surrounds the steps of a training; medians. */
export interface SurroundingsBenchmark {
  readonly stepMs: number;
  /** Reading and augmenting a batch of the embedded images, and handing it to the engine. */
  readonly readingMs: number;
  /** That, divided by a step. */
  readonly readingShare: number;
  /** Evaluation of the student over the test images, for each of them. */
  readonly evaluationMs: number;
  /** The student’s forward pass alone on the same batches, which the engine holds already, for each image. */
  readonly forwardMs: number;
  /** Evaluation divided by the forward pass, median of the rounds. */
  readonly evaluationRatio: number;
  readonly rounds: readonly EvaluationRound[];
  /** From the start of a process to the end of its first step, the engine built. */
  readonly startUpMs: number;
}

/** Evaluation beside the forward pass, in milliseconds an image. */
type EvaluationRound = Readonly<Record<'forwardMs' | 'evaluationMs' | 'evaluationRatio', number>>;

const startUps = 3;

/**
 * Times what surrounds the training steps of a pair on the embedded images: reading, evaluation and start-up.
 *
 * @throws LabError for an unknown model, or when a process that takes one step fails.
 */
export async function benchmarkSurroundings(
  options: SurroundingsOptions,
): Promise<SurroundingsBenchmark> {
  const { iterations, onProgress } = options;
  const dataset = await loadDataset('fashion-mnist');
  const { count } = dataset.train;
  if (options.batch > count) {
    throw optionError`a batch cannot be larger than the data (--batch): found ${options.batch} images where ${dataset.name} has ${count}. Give a smaller batch`;
  }
  const step = createBenchStep(options);
  let times: number[];
  try {
    timeEach(step.whole, warmUpSteps, (done) => onProgress?.('warming up', done, warmUpSteps));
    times = timeEach(step.whole, iterations, (done) => onProgress?.('step', done, iterations));
  } finally {
    step.dispose();
  }
  const stepMs = median(times);
  const readingMs = timeReading(dataset, options);
  const evaluation = timeEvaluation(dataset, options);
  const starts: number[] = [];
  for (let start = 0; start < startUps; start++) {
    starts.push(await timeStartUp(options));
    onProgress?.('start-up', start + 1, startUps);
  }
  return {
    stepMs,
    readingMs,
    readingShare: readingMs / stepMs,
    ...evaluation,
    startUpMs: median(starts),
  };
}

function timeReading(
  dataset: ImageDataset,
  { batch, iterations, onProgress }: SurroundingsOptions,
): number {
  const { train, height, width } = dataset;
  const order = epochOrder(train.count, random(0, 'order').uniform);
  let start = 0;
  const read = (): void => {
    if (start + batch > train.count) start = 0;
    const indices = order.slice(start, (start += batch));
    const { images, labels } = trainingBatch(dataset, indices, random(0, 'batch', start).uniform);
    tidied(() => {
      tf.tensor4d(images, [batch, height, width, 3]);
      tf.tensor1d(labels, 'int32');
    });
  };
  timeEach(read, warmUpSteps);
  return median(timeEach(read, iterations, (done) => onProgress?.('reading', done, iterations)));
}

/** Evaluation and the forward pass alone, in turn. */
function timeEvaluation(
  dataset: ImageDataset,
  { student, rounds, onProgress }: SurroundingsOptions,
): EvaluationRound & Pick<SurroundingsBenchmark, 'rounds'> {
  const model = createModel(modelName(student), { classes: dataset.classes.length });
  const mode = { training: false, preActivations: false };
  const batches = [...evaluationBatches(dataset, dataset.test, evaluationBatchSize)].map((batch) =>
    tf.tensor4d(batch.images.slice(), [batch.count, dataset.height, dataset.width, 3]),
  );
  const forward = (): void => {
    for (const images of batches) tidied(() => model.forward(images, mode).logits.dataSync());
  };
  const whole = (): void => {
    evaluate((images) => model.forward(images, mode), dataset);
  };
  [forward, whole].forEach(timeOnce);
  const found = Array.from({ length: rounds }, (_, round) => {
    const forwardMs = timeOnce(forward) / dataset.test.count;
    const evaluationMs = timeOnce(whole) / dataset.test.count;
    onProgress?.('evaluation', round + 1, rounds);
    return { forwardMs, evaluationMs, evaluationRatio: evaluationMs / forwardMs };
  });
  [model, ...batches].forEach((item) => item.dispose());
  return {
    evaluationMs: median(found.map(({ evaluationMs }) => evaluationMs)),
    forwardMs: median(found.map(({ forwardMs }) => forwardMs)),
    evaluationRatio: median(found.map(({ evaluationRatio }) => evaluationRatio)),
    rounds: found,
  };
}

async function timeStartUp({
  teacher,
  student,
  batch,
  precision = 'f32',
}: SurroundingsOptions): Promise<number> {
  // Beside this file, as TypeScript in the repository and as JavaScript in the package.
  const program = ['ts', 'js']
    .map((ending) => join(__dirname, `first-step.${ending}`))
    .find(existsSync);
  if (program === undefined) throw new Error('first-step is not there');
  const started = performance.now();
  try {
    await promisify(execFile)(process.execPath, [
      ...process.execArgv,
      program,
      ...[teacher, student, String(batch), precision],
    ]);
  } catch (error) {
    throw engineError.because(
      error,
    )`a process that takes one training step failed: found ${String(error).split('\n').slice(0, 3).join(' ')}. See what npm run doctor says`;
  }
  return performance.now() - started;
}
