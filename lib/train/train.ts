import { comparedEmbedding } from '../distill/compared-embedding';
import type { Model } from '../nn/model';
import { appendMetrics, readMetrics, restoreMetrics } from '../results/metrics';
import type { EpochMetrics } from '../results/schema';
import { type Progress, removeCheckpoints, restoreCheckpoint } from './checkpoint';
import { isBatchSource, type TrainingData } from './batch-source';
import { evaluate, evaluateSource, type Evaluation, type Forward } from './evaluate';
import { beginning, checkpointsOf, saveProgress, trainEpoch } from './epoch';
import { createLearner, type Learner, type Teacher } from './learner';
import type { TrainingRecipe } from './recipe';
import { requireTrainable } from './requirements';

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
  readonly dataset: TrainingData;
  readonly seed: number;
  /** The run's directory: `metrics.jsonl` and `checkpoints/` go there. */
  readonly directory: string;
  /** Aborting it saves a checkpoint at the next batch and stops with an error of kind `interrupted`. */
  readonly signal?: AbortSignal;
  /** Seconds between two checkpoints inside an epoch; 900 unless given. */
  readonly checkpointSeconds?: number;
  /** Called before every step and every write; throws when the run belongs to another process by now. */
  readonly assertHeld?: () => void;
}

/**
 * Trains a student from its newest checkpoint, or from its beginning, to the last epoch. The student
 * holds the last epoch's weights afterwards, or their running average where the recipe keeps one. The same options and seed give the same bytes on the same
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
    ...(recipe.microBatch === undefined ? {} : { microBatch: recipe.microBatch }),
    ...(recipe.clipNorm === undefined ? {} : { clipNorm: recipe.clipNorm }),
    ...(recipe.precision === undefined ? {} : { precision: recipe.precision }),
    ...(recipe.weightAverage ? { average: recipe.weightAverage } : {}),
    seed,
    samples: dataset.train.count,
    labels: dataset.train.labels,
  });
  try {
    const notice = options.onNotice ?? (() => undefined);
    const assertHeld = options.assertHeld ?? (() => undefined);
    assertHeld();
    const saved = restoreCheckpoint(checkpointsOf(directory), learner, recipeHash, notice);
    let progress = saved?.progress ?? beginning(recipe);
    restoreMetrics(
      directory,
      saved?.metrics ?? readMetrics(directory).epochs.slice(0, progress.epoch),
    );
    if (progress.step > 0) {
      notice(`resumed after epoch ${progress.epoch}, batch ${progress.batch}`);
    }
    const measuredTeacher = teacher && (await measured(teacher, dataset));
    while (progress.epoch < recipe.epochs) {
      const started = performance.now();
      const resumedBatches = progress.batch;
      const trained = await trainEpoch(options, learner, progress);
      const tested = await evaluateLearner(learner, options);
      const metrics = epochMetrics(recipe, trained, tested, measuredTeacher);
      progress = { ...beginning(recipe), epoch: progress.epoch + 1, step: trained.step };
      assertHeld();
      appendMetrics(directory, metrics);
      saveProgress(options, learner, progress);
      // A half epoch's time would pass for a whole one's.
      const seconds = resumedBatches === 0 ? (performance.now() - started) / 1000 : NaN;
      options.onEpoch?.(metrics, seconds);
    }
    learner.average?.settle();
  } finally {
    learner.dispose();
  }
}

/** Frees the disk of a finished run's checkpoints. */
export function removeTrainingState(directory: string): void {
  removeCheckpoints(checkpointsOf(directory));
}

/** Evaluates a teacher on the test set. */
export function evaluateTeacher(
  { model, classMeans }: Teacher,
  dataset: TrainingData,
): Promise<Evaluation> {
  return evaluateOn(
    dataset,
    (images) => model.forward(images, { training: false, preActivations: false }),
    classMeans ? { classMeans } : {},
  );
}

type MeasuredTeacher = Pick<Evaluation, 'embeddingNorm' | 'cosineToClassMean'>;

/** What each epoch's metrics repeat of the teacher: as it was measured already, or measured now. */
async function measured(teacher: Teacher, dataset: TrainingData): Promise<MeasuredTeacher> {
  const { embeddingNorm, cosineToClassMean = null } = teacher;
  return embeddingNorm === undefined
    ? evaluateTeacher(teacher, dataset)
    : { embeddingNorm, cosineToClassMean };
}

async function evaluateOn(
  data: TrainingData,
  forward: Forward,
  options: { classMeans?: Float32Array },
): Promise<Evaluation> {
  return isBatchSource(data)
    ? evaluateSource(forward, data, options)
    : evaluate(forward, data, options);
}

function evaluateLearner(
  learner: Learner,
  { dataset, teacher }: TrainingOptions,
): Promise<Evaluation> {
  const { student, adapter } = learner;
  const mode = { training: false, preActivations: false };
  const sameSpace = adapter !== undefined || teacher?.model.embeddingSize === student.embeddingSize;
  const evaluation = (): Promise<Evaluation> =>
    evaluateOn(
      dataset,
      (images) => {
        const output = student.forward(images, mode);
        const embedding = comparedEmbedding(output);
        const adapted = adapter?.forward(embedding, mode) ?? embedding;
        return { logits: output.logits, embedding: output.embedding, adapted };
      },
      teacher?.classMeans && sameSpace ? { classMeans: teacher.classMeans } : {},
    );
  return learner.average ? learner.average.during(evaluation) : evaluation();
}

function epochMetrics(
  recipe: TrainingRecipe,
  { epoch, step, learningRate = NaN, sums }: Progress,
  tested: Evaluation,
  teacher: MeasuredTeacher | undefined,
): EpochMetrics {
  const losses: Record<string, number> = {};
  recipe.method.terms.forEach(({ loss }, index) => {
    losses[loss] = (losses[loss] ?? 0) + (sums.terms[index] ?? 0) / sums.samples;
  });
  losses.total = sums.total / sums.samples;
  return {
    epoch: epoch + 1,
    step,
    // What the epoch's first step received, where it changes from step to step.
    learningRate,
    losses,
    trainTop1: (100 * sums.correct) / sums.samples,
    testTop1: tested.top1,
    testTop5: tested.top5,
    testLoss: tested.loss,
    studentNorm: tested.embeddingNorm,
    teacherNorm: teacher?.embeddingNorm ?? null,
    cosineToClassMean: tested.cosineToClassMean,
    ...(tested.cosineByClass ? { cosineByClass: tested.cosineByClass } : {}),
    ...(typeof teacher?.cosineToClassMean === 'number'
      ? { teacherCosine: teacher.cosineToClassMean }
      : {}),
  };
}
