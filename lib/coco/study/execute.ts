import { join } from 'node:path';
import { createDetector, type Detector } from '../../detection/detector';
import { detectDataset } from '../../detection/evaluate-detector';
import { createDetectionLearner } from '../../detection/learner';
import { trainDetector } from '../../detection/train-detector';
import type { EngineDescription } from '../../engine/describe';
import { LabError } from '../../errors';
import { removeUnfinishedWrites } from '../../files';
import { writeSafetensors } from '../../formats/safetensors';
import { hashJson } from '../../canonical';
import type { Scale } from '../../results/schema';
import { type BatchState, removeTrainingState } from '../../train/train';
import { cocoBatches } from '../batches';
import { writeDetections } from '../results-form';
import type { DetectionData } from './data';
import { evaluationRecord } from './evaluation-record';
import { type FirstWeights, loadFirstWeights } from './first-weights';
import type { PlannedDetection } from './plan';
import { provenanceOf } from './provenance';
import { requireSameRun } from './same-run';
import type { DetectionConfig, DetectionEvaluation } from './schema';
import {
  detectionFiles,
  isDetectionFinished,
  writeDetectionConfig,
  writeDetectionEvaluation,
  writeDetectionProvenance,
} from './store';
import type { TrainedDetectionTeacher } from './teacher';

/** Everything that one run needs. */
export interface DetectionRequest {
  readonly study: string;
  readonly scale: Scale;
  readonly run: PlannedDetection;
  readonly data: DetectionData;
  /** For a method with terms. */
  readonly teacher?: TrainedDetectionTeacher;
  /** Random unless given. */
  readonly firstWeights?: FirstWeights;
  /** What the user typed. */
  readonly command: string;
  readonly engine: EngineDescription;
  readonly signal?: AbortSignal;
  readonly assertHeld?: () => void;
  /** A checkpoint is written after so many iterations (500), and at the end. */
  readonly checkpointEvery?: number;
  readonly onBatch?: (state: BatchState) => void;
  readonly onImages?: (done: number, total: number) => void;
  readonly onNotice?: (message: string) => void;
}

/**
 * Trains a detector to its end, going on from its checkpoint, evaluates it on every image of the
 * evaluation data, and writes what came of it. A finished run of the same recipe is left as it is.
 *
 * @throws LabError as `trainDetector` does, and of kind `results` when the directory belongs to another
 * recipe.
 */
export async function executeDetection(
  request: DetectionRequest,
): Promise<'finished before' | 'trained'> {
  const { run, data, engine, command, assertHeld = () => undefined } = request;
  const { directory, recipe } = run;
  const config = configOf(request);
  requireSameRun(directory, config);
  if (isDetectionFinished(directory)) {
    removeTrainingState(directory);
    return 'finished before';
  }
  const student = createDetector({
    ...recipe.detector,
    classes: data.training.classes.length,
    seed: run.seed,
  });
  const provenance = provenanceOf({ ...request, student, command, engine });
  let seconds: readonly number[] = [];
  const close = (end: Parameters<typeof provenance.closed>[0]): void => {
    assertHeld();
    writeDetectionProvenance(directory, provenance.closed(end));
  };
  try {
    if (request.firstWeights) await loadFirstWeights(student, request.firstWeights);
    assertHeld();
    removeUnfinishedWrites(directory);
    writeDetectionConfig(directory, config);
    writeDetectionProvenance(directory, provenance.opening);
    seconds = await trainOrRead(request, config, student);
    const started = performance.now();
    const evaluation = await evaluateAndWrite(request, student);
    close({ ended: 'finished', seconds, evaluation, evaluationMs: performance.now() - started });
    removeTrainingState(directory);
    return 'trained';
  } catch (error) {
    const interrupted = error instanceof LabError && error.fault.kind === 'interrupted';
    const message = error instanceof Error ? error.message : String(error);
    try {
      close(interrupted ? { ended: 'interrupted' } : { ended: 'failed', error: message });
    } catch {
      // On a full disk, or in another process' run, nothing can be recorded; the first error tells why.
    }
    throw error;
  } finally {
    student.dispose();
  }
}

/** The configuration that a request's run directory must have. */
export function configOf(
  request: Pick<DetectionRequest, 'study' | 'scale' | 'run' | 'data' | 'teacher' | 'firstWeights'>,
): DetectionConfig {
  const { study, scale, run, data, teacher, firstWeights } = request;
  const { pair, method, seed, recipe } = run;
  const whole = {
    training: recipe,
    datasetHash: data.training.hash,
    evaluationDatasetHash: data.evaluation.hash,
    teacherHash: teacher?.hash ?? null,
    classMeansHash: teacher?.classMeansHash ?? null,
    firstWeightsHash: firstWeights?.hash ?? null,
  };
  return {
    study,
    scale,
    pair,
    teacher: teacher?.name ?? null,
    student: recipe.student,
    method,
    seed,
    dataset: data.name,
    iterations: recipe.iterations,
    batchSize: recipe.batchSize,
    precision: 'f32',
    recipeHash: hashJson(whole),
    recipe: whole,
  };
}

/**
 * The weights of the last iteration, trained here or in an earlier start that was cut off during the
 * evaluation. Gives the seconds of the iterations that were made now.
 */
async function trainOrRead(
  request: DetectionRequest,
  { recipeHash }: DetectionConfig,
  student: Detector,
): Promise<readonly number[]> {
  const { run, data, teacher, signal, assertHeld, onNotice, checkpointEvery } = request;
  const { recipe, seed, directory } = run;
  const { method, optimiser, sampling, batchSize, sizes, flip } = recipe;
  const learner = createDetectionLearner({
    student,
    ...(method.terms.length > 0 ? { method } : {}),
    ...(teacher ? { teacher } : {}),
    ...sampling,
    optimiser,
    iterationsPerEpoch: data.training.training.length / batchSize,
    seed,
  });
  const seconds: number[] = [];
  try {
    await trainDetector({
      learner,
      iterations: recipe.iterations,
      schedule: recipe.schedule,
      batches: (firstBatch) =>
        cocoBatches(data.training, {
          seed,
          batchSize,
          shortSides: sizes.training,
          longest: sizes.longest,
          flip,
          pixels: student.pixels,
          firstBatch,
        }),
      directory,
      recipeHash,
      ...(signal ? { signal } : {}),
      ...(assertHeld ? { assertHeld } : {}),
      ...(onNotice ? { onNotice } : {}),
      ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
      onBatch(state) {
        seconds.push(state.seconds);
        request.onBatch?.(state);
      },
    });
  } finally {
    learner.dispose();
  }
  return seconds;
}

async function evaluateAndWrite(
  { run, data, signal, assertHeld, onImages }: DetectionRequest,
  student: Detector,
): Promise<DetectionEvaluation> {
  const { directory, recipe } = run;
  const detections = await detectDataset(student, data.evaluation, {
    batchSize: 1,
    shortSide: recipe.sizes.evaluation,
    longest: recipe.sizes.longest,
    onImages(done, total) {
      // Training is saved: the evaluation is made anew at the next start.
      if (signal?.aborted) throw stoppedEvaluating();
      onImages?.(done, total);
    },
  });
  assertHeld?.();
  const evaluation = evaluationRecord(data.evaluation, detections);
  writeDetections(join(directory, detectionFiles.detections), detections);
  writeSafetensors(join(directory, detectionFiles.weights), student.stateDict(), {
    model: student.name,
    classes: String(student.classes),
    dataset: data.name,
  });
  writeDetectionEvaluation(directory, evaluation);
  return evaluation;
}

function stoppedEvaluating(): LabError {
  return new LabError({
    kind: 'interrupted',
    what: 'stopped during the evaluation; the training is saved',
    remedy: 'Run the same command again to go on',
  });
}
