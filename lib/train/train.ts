import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { epochOrder, trainBatchCount, trainingBatch } from '../data/batches';
import type { ImageDataset } from '../data/types';
import { random } from '../engine/random';
import { LabError } from '../errors';
import type { Model } from '../nn/model';
import { appendMetrics, readMetrics, restoreMetrics } from '../results/metrics';
import type { EpochMetrics } from '../results/schema';
import {
  type EpochSums,
  type Progress,
  removeCheckpoints,
  restoreCheckpoint,
  saveCheckpoint,
} from './checkpoint';
import { evaluate, type Evaluation } from './evaluate';
import { type Batch, createLearner, type Learner, type Teacher } from './learner';
import type { TrainingRecipe } from './recipe';
import { requireTrainable } from './requirements';
import { learningRateAt } from './schedule';

/** What a training run is told while it goes on. */
export interface TrainingEvents {
  /** After each batch. */
  readonly onBatch?: (state: BatchState) => void;
  /** After each epoch, when its metrics and checkpoint are on disk. */
  readonly onEpoch?: (metrics: EpochMetrics, seconds: number) => void;
  /** What the user should know: a resumed run, a broken checkpoint. */
  readonly onNotice?: (message: string) => void;
}

export interface BatchState {
  /** 1-based. */
  readonly epoch: number;
  readonly epochs: number;
  /** Batches done of this epoch, and its batches. */
  readonly batch: number;
  readonly batches: number;
  readonly loss: number;
  readonly images: number;
}

export interface TrainingOptions extends TrainingEvents {
  readonly recipe: TrainingRecipe;
  /** Of the recipe and all else that decides the run; a checkpoint of another hash is not resumed. */
  readonly recipeHash: string;
  readonly student: Model;
  readonly teacher?: Teacher;
  readonly dataset: ImageDataset;
  readonly seed: number;
  /** The run's directory: `metrics.jsonl` and `checkpoints/` go there. */
  readonly directory: string;
  /** Aborting it saves a checkpoint at the next batch and stops with an error of kind `interrupted`. */
  readonly signal?: AbortSignal;
  /** Called before every step and every write; throws when the run belongs to another process by now. */
  readonly assertHeld?: () => void;
}

/**
 * Trains a student from its newest checkpoint, or from its beginning, to the last epoch. The student
 * holds the last epoch's weights afterwards. The same options and seed give the same bytes on the same
 * machine, however often the run was cut off.
 *
 * @throws LabError when the loss is not finite, the run is interrupted, or its inputs do not fit.
 */
export async function train(options: TrainingOptions): Promise<void> {
  const { recipe, recipeHash, student, teacher, dataset, seed, directory } = options;
  requireTrainable(options);
  const learner = createLearner({
    student,
    ...(teacher ? { teacher } : {}),
    method: recipe.method,
    optimiser: recipe.optimiser,
    seed,
    samples: dataset.train.count,
    labels: dataset.train.labels,
  });
  try {
    const notice = options.onNotice ?? (() => undefined);
    const assertHeld = options.assertHeld ?? (() => undefined);
    const saved = restoreCheckpoint(checkpointsOf(directory), learner, recipeHash, notice);
    let progress = saved?.progress ?? beginning(recipe);
    restoreMetrics(
      directory,
      saved?.metrics ?? readMetrics(directory).epochs.slice(0, progress.epoch),
    );
    if (progress.step > 0) {
      notice(`resumed after epoch ${progress.epoch}, batch ${progress.batch}`);
    }
    const teacherNorm = teacher
      ? (teacher.embeddingNorm ?? evaluateTeacher(teacher, dataset).embeddingNorm)
      : null;
    while (progress.epoch < recipe.epochs) {
      const started = performance.now();
      const resumedBatches = progress.batch;
      const trained = await trainEpoch(options, learner, progress);
      const tested = evaluateLearner(learner, options);
      const metrics = epochMetrics(recipe, trained, tested, teacherNorm);
      progress = { ...beginning(recipe), epoch: progress.epoch + 1, step: trained.step };
      assertHeld();
      appendMetrics(directory, metrics);
      save(options, learner, progress);
      // A half epoch's time would pass for a whole one's.
      const seconds = resumedBatches === 0 ? (performance.now() - started) / 1000 : NaN;
      options.onEpoch?.(metrics, seconds);
    }
  } finally {
    learner.dispose();
  }
}

/** Frees the disk of a finished run's checkpoints. */
export function removeTrainingState(directory: string): void {
  removeCheckpoints(checkpointsOf(directory));
}

function save(
  { directory, recipeHash }: TrainingOptions,
  learner: Learner,
  progress: Progress,
): void {
  const metrics = readMetrics(directory).epochs;
  saveCheckpoint(checkpointsOf(directory), learner, { recipeHash, progress, metrics });
}

function checkpointsOf(directory: string): string {
  return join(directory, 'checkpoints');
}

/** Evaluates a teacher on the test set. */
export function evaluateTeacher({ model, classMeans }: Teacher, dataset: ImageDataset): Evaluation {
  return evaluate(
    (images) => model.forward(images, { training: false }),
    dataset,
    classMeans ? { classMeans } : {},
  );
}

/** The rest of an epoch: every batch in the order that the seed gives. */
async function trainEpoch(
  options: TrainingOptions,
  learner: Learner,
  from: Progress,
): Promise<Progress> {
  const { recipe, dataset, seed, signal } = options;
  const { epoch } = from;
  const learningRate = learningRateAt(recipe.schedule, {
    base: recipe.learningRate,
    epoch,
    epochs: recipe.epochs,
  });
  const order = epochOrder(dataset.train.count, random(seed, 'order', epoch).uniform);
  const batches = trainBatchCount(dataset.train.count, recipe);
  let progress = from;
  for (let index = from.batch; index < batches; index++) {
    // The steps are synchronous: without a pause no signal, timer or notebook output would get through.
    await setImmediate();
    options.assertHeld?.();
    if (signal?.aborted) {
      save(options, learner, progress);
      throw interrupted(progress);
    }
    const indices = order.subarray(index * recipe.batchSize, (index + 1) * recipe.batchSize);
    const batch = readBatch(options, indices, index, epoch);
    const { total, terms, correct } = learner.step(batch, {
      epoch,
      learningRate,
      random: random(seed, 'dropout', epoch, index),
    });
    batch.images.dispose();
    batch.labels.dispose();
    progress = {
      epoch,
      batch: index + 1,
      step: progress.step + 1,
      sums: addTo(progress.sums, { total, terms, correct, samples: indices.length }),
    };
    options.onBatch?.({
      epoch: epoch + 1,
      epochs: recipe.epochs,
      batch: index + 1,
      batches,
      loss: total,
      images: indices.length,
    });
  }
  return progress;
}

function readBatch(
  { recipe, dataset, seed }: TrainingOptions,
  places: Int32Array,
  index: number,
  epoch: number,
): Batch {
  const augments = recipe.augmentation !== 'none';
  const { images, labels, indices, count } = trainingBatch(
    dataset,
    // A copy: the epoch's order is not handed out.
    places.slice(),
    augments ? random(seed, 'augmentation', epoch, index).uniform : undefined,
  );
  return {
    images: tf.tensor4d(images, [count, dataset.height, dataset.width, 3]),
    labels: tf.tensor1d(labels, 'int32'),
    indices,
  };
}

function evaluateLearner(learner: Learner, { dataset, teacher }: TrainingOptions): Evaluation {
  const { student, adapter } = learner;
  const mode = { training: false };
  const sameSpace = adapter !== undefined || teacher?.model.embeddingSize === student.embeddingSize;
  return evaluate(
    (images) => {
      const output = student.forward(images, mode);
      return adapter ? { ...output, adapted: adapter.forward(output.embedding, mode) } : output;
    },
    dataset,
    teacher?.classMeans && sameSpace ? { classMeans: teacher.classMeans } : {},
  );
}

function epochMetrics(
  recipe: TrainingRecipe,
  { epoch, step, sums }: Progress,
  tested: Evaluation,
  teacherNorm: number | null,
): EpochMetrics {
  const losses: Record<string, number> = {};
  recipe.method.terms.forEach(({ loss }, index) => {
    losses[loss] = (losses[loss] ?? 0) + (sums.terms[index] ?? 0) / sums.samples;
  });
  losses.total = sums.total / sums.samples;
  return {
    epoch: epoch + 1,
    step,
    learningRate: learningRateAt(recipe.schedule, {
      base: recipe.learningRate,
      epoch,
      epochs: recipe.epochs,
    }),
    losses,
    trainTop1: (100 * sums.correct) / sums.samples,
    testTop1: tested.top1,
    testTop5: tested.top5,
    testLoss: tested.loss,
    studentNorm: tested.embeddingNorm,
    teacherNorm,
    cosineToClassMean: tested.cosineToClassMean,
  };
}

function beginning({ method }: TrainingRecipe): Progress {
  const terms = method.terms.map(() => 0);
  return { epoch: 0, batch: 0, step: 0, sums: { terms, total: 0, correct: 0, samples: 0 } };
}

/** Losses are means over a batch; the epoch's mean weighs them by its samples. */
function addTo(
  sums: EpochSums,
  {
    total,
    terms,
    correct,
    samples,
  }: { total: number; terms: Float32Array; correct: number; samples: number },
): EpochSums {
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
