import { comparedEmbedding } from '../distill/objective';
import { random } from '../engine/random';
import { modelError } from '../errors';
import { requireLabelRange } from '../losses';
import type { Model } from '../nn/model';
import {
  asBatchSource,
  type Batch,
  batchesOfEpoch,
  batchTensors,
  isBatchSource,
  type TrainingData,
} from './batch-source';
import type { Progress } from './checkpoint';
import {
  evaluate,
  evaluateSource,
  type Evaluation,
  type EvaluationOptions,
  type Forward,
} from './evaluate';
import { createLearner, type Learner, type StepPlace, type Teacher } from './learner';
import { type EpochMetrics, epochMetricsForm } from './metrics';
import { replicasOf, requireRecipeFits, type TrainingRecipe } from './recipe';
import { learningRateOf } from './schedule';
import { meanLosses, type TrainingRun, type TrainingTask } from './task';
import { train } from './train';

export interface ClassifierTraining extends TrainingRun<EpochMetrics> {
  readonly recipe: TrainingRecipe;
  readonly student: Model;
  readonly teacher?: Teacher;
  readonly dataset: TrainingData;
  readonly seed: number;
}

/**
 * Trains a student from its newest checkpoint, or from its beginning, to the last epoch. The student
 * holds the last epoch's weights afterwards, or their running average where the recipe keeps one. The
 * same options and seed give the same bytes on the same machine, however often the run was cut off.
 *
 * @throws LabError as `train` does, and when the inputs do not fit.
 */
export async function trainClassifier(training: ClassifierTraining): Promise<void> {
  requireTrainable(training);
  const { recipe, student, teacher, dataset, seed } = training;
  const learner = createLearner({
    student,
    teacher,
    method: recipe.method,
    optimiser: recipe.optimiser,
    microBatch: recipe.microBatch,
    clipNorm: recipe.clipNorm,
    repeatedNorms: recipe.repeatedNorms,
    replicas: replicasOf(recipe),
    adapterStart: recipe.linearStart?.adapter,
    precision: recipe.precision,
    onNotice: training.onNotice,
    average: recipe.weightAverage,
    seed,
    samples: dataset.train.count,
    labels: dataset.train.labels,
  });
  try {
    const taught = teacher && (await teacherMetrics(teacher, dataset));
    await train(classifierTask(training, learner, taught), training);
  } finally {
    learner.dispose();
  }
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

/** A classifier as the loop trains it: after each epoch the student is evaluated. */
function classifierTask(
  { recipe, dataset, seed, teacher }: ClassifierTraining,
  learner: Learner,
  taught: MeasuredTeacher | undefined,
): TrainingTask<Batch, StepPlace, EpochMetrics, Evaluation> {
  const { batchSize, augmentation, lastBatch, epochs } = recipe;
  const source = asBatchSource(dataset);
  const batches = batchesOfEpoch(dataset, recipe);
  return {
    learner,
    periods: epochs,
    batchesPerPeriod: batches,
    steps: epochs * batches,
    metrics: epochMetricsForm,
    batches({ period: epoch, batch: firstBatch }) {
      const read = { seed, epoch, firstBatch, batchSize, augmentation, lastBatch };
      return batchTensors(source.trainingBatches(read), source);
    },
    learningRate: ({ period: epoch, batch }) => learningRateOf(recipe, { epoch, batch, batches }),
    at: ({ period: epoch, batch }) => ({ epoch, random: random(seed, 'dropout', epoch, batch) }),
    evaluate: () =>
      evaluateLearner(learner, dataset, { teacher, interpolation: recipe.evaluation }),
    line: (progress, tested) => epochMetrics(learner, progress, tested, taught),
    place: ({ period, batch }) => `epoch ${period}, batch ${batch}`,
  };
}

/** What each epoch's metrics repeat of the teacher: as it was measured already, or measured now. */
async function teacherMetrics(teacher: Teacher, dataset: TrainingData): Promise<MeasuredTeacher> {
  const { embeddingNorm, cosineToClassMean = null } = teacher;
  return embeddingNorm === undefined
    ? evaluateTeacher(teacher, dataset)
    : { embeddingNorm, cosineToClassMean };
}

async function evaluateOn(
  data: TrainingData,
  forward: Forward,
  options: Pick<EvaluationOptions, 'classMeans' | 'interpolation'>,
): Promise<Evaluation> {
  return isBatchSource(data)
    ? evaluateSource(forward, data, options)
    : evaluate(forward, data, options);
}

function evaluateLearner(
  { student, adapter, average }: Learner,
  dataset: TrainingData,
  {
    teacher,
    interpolation,
  }: { teacher: Teacher | undefined } & Pick<EvaluationOptions, 'interpolation'>,
): Promise<Evaluation> {
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
      { classMeans: sameSpace ? teacher?.classMeans : undefined, interpolation },
    );
  return average ? average.during(evaluation) : evaluation();
}

function epochMetrics(
  { lossNames }: Learner,
  progress: Progress,
  tested: Evaluation,
  teacher: MeasuredTeacher | undefined,
): EpochMetrics {
  const { period, step, sums } = progress;
  const { losses, total } = meanLosses(lossNames, progress);
  return {
    epoch: period + 1,
    step,
    // Of the epoch's first step, where it changes from step to step.
    learningRate: sums.rates.first,
    losses: { ...losses, total },
    trainTop1: (100 * (sums.counts[0] ?? 0)) / sums.images,
    testTop1: tested.top1,
    testTop5: tested.top5,
    testLoss: tested.loss,
    studentNorm: tested.embeddingNorm,
    teacherNorm: teacher?.embeddingNorm ?? null,
    cosineToClassMean: tested.cosineToClassMean,
    cosineByClass: tested.cosineByClass,
    ...(typeof teacher?.cosineToClassMean === 'number'
      ? { teacherCosine: teacher.cosineToClassMean }
      : {}),
  };
}

/** Checks that a run's parts belong together, as far as the learner does not. */
function requireTrainable({ recipe, dataset, student }: ClassifierTraining): void {
  requireRecipeFits(recipe, dataset);
  for (const split of ['train', 'test'] as const) {
    requireLabelRange(dataset[split].labels, dataset.classes.length, `${split} labels`);
  }
  if (student.classes !== dataset.classes.length) {
    throw modelError`the student knows another number of classes than the data set: found ${student.classes} and ${dataset.classes.length}. Make the student for this data set`;
  }
}
