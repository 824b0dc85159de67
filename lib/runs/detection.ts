import { join } from 'node:path';
import type { CocoDetection } from '../detection/coco/annotations';
import { cocoBatches } from '../detection/coco/batches';
import type { CocoDataset } from '../detection/coco/data';
import type { DetectionData } from '../detection/coco/detection-data';
import { evaluateCoco, precisionAt } from '../detection/coco/evaluate';
import { writeDetections } from '../detection/coco/results-form';
import { createDetector, type Detector } from '../detection/detector';
import { detectDataset } from '../detection/inference';
import { createDetectionLearner } from '../detection/learner';
import { trainDetector } from '../detection/train-detector';
import type { DetectionMetrics } from '../detection/training-metrics';
import { loadDetectorWeights } from '../detection/weights';
import { interruptedError, type LabError } from '../errors';
import { replicasOf } from '../train/recipe';
import type { DetectionRecipe, DetectorForm } from './detection-recipe';
import {
  type DetectionTeacherOptions,
  loadDetectionTeacher,
  needsClassMeans,
  requireGivenDetector,
  type TrainedDetectionTeacher,
  withClassMeans,
} from './detection-teacher';
import { runFiles } from './paths';
import type { PlannedRun } from './plan';
import type { DetectionEvaluation } from './schema';
import { detectorRuns, writeDetectionEvaluation } from './store';
import type { RunEvents, RunRequest, StartedRun, Task } from './task';

/** Detectors. */
export interface Detection {
  readonly recipe: DetectionRecipe;
  readonly line: DetectionMetrics;
  readonly teacher: TrainedDetectionTeacher;
}

/** What a detector begins with where that is not random: a published backbone, as in the paper. */
export interface FirstWeights {
  readonly file: string;
  /** Of the file's tensors. */
  readonly hash: string;
  /** As the record of the run names it. */
  readonly source: string;
}

interface DetectionOptions extends DetectionTeacherOptions {
  /** Of each detector that begins with a published backbone; random otherwise. */
  readonly firstWeights: ReadonlyMap<string, FirstWeights>;
  /** Seconds of an iteration of a recipe with a teacher or without, as a step here says. */
  readonly estimateStep: (recipe: DetectionRecipe, teacher: DetectorForm | undefined) => number;
}

/** The training of detectors on COCO, or data in its form. */
export function detection(options: DetectionOptions): Task<Detection> {
  const { data, firstWeights, teacherRecipeOf, estimateStep } = options;
  const { training, evaluation } = data;
  return {
    store: detectorRuns,
    dataset: data.name,
    dataHash: training.hash,
    notes: [...new Set([...training.notes, ...evaluation.notes])],
    about: `${training.training.length} + ${evaluation.entries.length} images, ${training.classes.length} classes`,
    hashes: ({ run, teacher }) => ({
      datasetHash: training.hash,
      evaluationDatasetHash: evaluation.hash,
      teacherHash: teacher?.hash ?? null,
      classMeansHash: teacher?.classMeansHash ?? null,
      firstWeightsHash: firstWeights.get(run.student)?.hash ?? null,
    }),
    requireFits: () => undefined,
    requireGiven: (name, given) => requireGivenDetector(name, given, options),
    loadTeacher: (request) => loadDetectionTeacher(request, options),
    teacherFor: async (teacher, recipe, request) =>
      needsClassMeans(recipe) ? withClassMeans(teacher, request, options) : teacher,
    begin: (request) => begin(request, options),
    summary: ({ total }) => `loss ${total.toFixed(3)}`,
    costs: {
      key: kindOf,
      estimate(run, onTiming) {
        onTiming(run.kind === 'teacher' ? run.pair : `${run.pair} ${run.method}`);
        const teacher = run.teacher === null ? undefined : teacherRecipeOf(run.teacher).detector;
        return estimateStep(run.recipe, teacher);
      },
    },
  };
}

/** Runs whose iterations take about as long. */
function kindOf({ pair, kind, teacher, recipe }: PlannedRun<DetectionRecipe>): string {
  const review = recipe.method.terms.some(({ loss }) => loss === 'reviewPyramid');
  return [kind, kind === 'teacher' ? pair : recipe.student, teacher ?? 'alone', review].join(' ');
}

/** The first iterations choose kernels and take memory: they tell nothing of the others. */
const warmUpIterations = 3;

async function begin(
  request: RunRequest<Detection>,
  { data, firstWeights }: DetectionOptions,
): Promise<StartedRun<Detection>> {
  const { recipe, seed, directory } = request.run;
  const student = createDetector({
    ...recipe.detector,
    classes: data.training.classes.length,
    seed,
  });
  const first = firstWeights.get(request.run.student);
  const seconds: number[] = [];
  const before = detectorRuns.readProvenance(directory)?.secondsPerIteration ?? null;
  let evaluated: Evaluated | undefined;
  try {
    if (first) await loadDetectorWeights(student, first.file, 'backbone');
  } catch (error) {
    student.dispose();
    throw error;
  }
  return {
    parameters: student.state.trainable.reduce((sum, { value }) => sum + value.size, 0),
    about: { model: student.name, classes: String(student.classes), dataset: data.name },
    stateDict: () => student.stateDict(),
    async train(events) {
      await trainStudent(student, request, data, {
        ...events,
        onBatch(state) {
          seconds.push(state.seconds);
          events.onBatch?.(state);
        },
      });
      evaluated = await evaluate(student, request, data, events);
    },
    writeOutputs() {
      if (!evaluated) throw new Error('a run is written after its evaluation');
      writeDetections(join(directory, runFiles.detections), evaluated.detections);
      writeDetectionEvaluation(directory, evaluated.record);
    },
    provenance: () => ({
      evaluationDataHash: data.evaluation.hash,
      firstWeights: first ? first.source : 'random',
      secondsPerIteration: meanOf(seconds.slice(warmUpIterations)) ?? before,
      evaluationSeconds: evaluated?.seconds ?? null,
      AP: evaluated ? 100 * evaluated.record.stats.AP : null,
      AP50: evaluated ? 100 * evaluated.record.stats.AP50 : null,
    }),
    dispose: () => student.dispose(),
  };
}

async function trainStudent(
  student: Detector,
  { run, teacher, signal, assertHeld, checkpointEvery }: RunRequest<Detection>,
  { training }: DetectionData,
  events: RunEvents<Detection> & { readonly recipeHash: string },
): Promise<void> {
  const { recipe, seed, directory } = run;
  const { method, optimiser, sampling, batchSize, sizes, flip, iterations, schedule } = recipe;
  const learner = createDetectionLearner({
    student,
    method: method.terms.length > 0 ? method : undefined,
    teacher,
    ...sampling,
    replicas: replicasOf(recipe),
    optimiser,
    precision: recipe.precision,
    seed,
    iterationsPerEpoch: training.training.length / batchSize,
  });
  try {
    await trainDetector({
      ...events,
      learner,
      iterations,
      schedule,
      batches: (firstBatch) =>
        cocoBatches(training, {
          seed,
          batchSize,
          shortSides: sizes.training,
          longest: sizes.longest,
          flip,
          pixels: student.pixels,
          firstBatch,
        }),
      directory,
      signal,
      assertHeld,
      checkpointEvery,
    });
  } finally {
    learner.dispose();
  }
}

interface Evaluated {
  readonly record: DetectionEvaluation;
  readonly detections: readonly CocoDetection[];
  readonly seconds: number;
}

async function evaluate(
  student: Detector,
  { run: { recipe }, signal }: RunRequest<Detection>,
  { evaluation }: DetectionData,
  { onImages }: RunEvents<Detection>,
): Promise<Evaluated> {
  const started = performance.now();
  const detections = await detectDataset(student, evaluation, {
    batchSize: 1,
    shortSide: recipe.sizes.evaluation,
    longest: recipe.sizes.longest,
    onImages(done, total) {
      // Training is saved: the evaluation is made anew at the next start.
      if (signal?.aborted) throw stoppedEvaluating();
      onImages?.(done, total);
    },
  });
  const record = evaluationRecord(evaluation, detections);
  return { record, detections, seconds: (performance.now() - started) / 1000 };
}

/** COCO's figures and the mean precision–recall curves of detections, as a run keeps them. */
export function evaluationRecord(
  { groundTruth, entries }: CocoDataset,
  detections: readonly CocoDetection[],
): DetectionEvaluation {
  const { stats, byCategory, curves } = evaluateCoco(groundTruth, detections);
  const curve = (overlap: number): number[] => [...(precisionAt(curves, overlap) ?? [])];
  return {
    stats,
    byCategory: [...byCategory],
    curves: { '0.50': curve(0.5), '0.75': curve(0.75) },
    images: entries.length,
    detections: detections.length,
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function stoppedEvaluating(): LabError {
  return interruptedError`stopped during the evaluation; the training is saved. Run the same command again to go on`;
}
