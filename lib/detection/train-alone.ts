import { join } from 'node:path';
import { cocoBatches } from '../coco/batches';
import type { CocoDataset } from '../coco/data';
import { type CocoEvaluation, evaluateCoco } from '../coco/evaluate';
import { writeDetections } from '../coco/results-form';
import { writeSafetensors } from '../formats/safetensors';
import { hashStateDict } from '../nn/hash';
import { hashJson } from '../results/canonical';
import { createDetector, type DetectorOptions } from './detector';
import { detectDataset } from './evaluate-detector';
import { createDetectionLearner, type DetectionLearnerOptions } from './learner';
import { loadDetectorWeights, type WeightsScope } from './load-weights';
import type { DetectionSchedule } from './schedule';
import { type DetectorTraining, trainDetector } from './train-detector';

/** What decides the training of a detector without a teacher. */
export interface AloneRecipe {
  readonly detector: Omit<DetectorOptions, 'classes' | 'seed'>;
  readonly learner: Omit<DetectionLearnerOptions, 'student' | 'seed' | 'teacher' | 'method'>;
  readonly schedule: DetectionSchedule;
  readonly iterations: number;
  readonly batchSize: number;
  /** One is drawn for each image; the last is also evaluation's. */
  readonly shortSides: readonly number[];
  readonly longest: number;
  readonly flip: boolean;
}

/**
 * For a few dozen images of which every object is to be learnt from random weights: a narrow ResNet-18
 * with batch norm, small anchors for small images, AdamW.
 */
export const smallRecipe: AloneRecipe = {
  detector: {
    backbone: 'resnet18',
    width: 24,
    norm: 'batch',
    freezeAt: 0,
    pyramidChannels: 48,
    embeddingSize: 256,
    anchorSizes: [12, 24, 48, 96, 192],
    canonicalSide: 64,
  },
  learner: {
    optimiser: { kind: 'adamw', betas: [0.9, 0.999], weightDecay: 1e-4 },
    largestGradient: 10,
    proposals: { before: 500, after: 200, threshold: 0.7 },
    proposalSampling: { count: 128, objectShare: 0.5 },
  },
  schedule: { base: 0.001, milestones: [2600, 3200], warmUp: { iterations: 50, factor: 0.01 } },
  iterations: 3600,
  batchSize: 2,
  shortSides: [256],
  longest: 440,
  flip: false,
};

export interface AloneRequest extends Pick<
  DetectorTraining,
  'signal' | 'onIteration' | 'onNotice' | 'checkpointEvery'
> {
  readonly recipe: AloneRecipe;
  readonly seed: number;
  readonly training: CocoDataset;
  readonly evaluation: CocoDataset;
  /** Checkpoints, `metrics.jsonl`, `weights.safetensors` and `detections.json` go there. */
  readonly directory: string;
  /** Random unless given. */
  readonly firstWeights?: { readonly file: string; readonly scope: WeightsScope };
  readonly onImages?: (done: number, total: number) => void;
}

/**
 * Trains a detector without a teacher, going on from its checkpoint, and evaluates it.
 *
 * @throws LabError as `trainDetector` and `loadDetectorWeights` do.
 */
export async function trainAlone(request: AloneRequest): Promise<CocoEvaluation> {
  const { recipe, seed, training, evaluation, directory, firstWeights, onImages } = request;
  const student = createDetector({ ...recipe.detector, classes: training.classes.length, seed });
  try {
    if (firstWeights) await loadDetectorWeights(student, firstWeights.file, firstWeights.scope);
    const recipeHash = hashJson({
      recipe,
      seed,
      data: training.hash,
      firstWeights: firstWeights ? hashStateDict(student.stateDict()) : null,
    });
    await trainIn(request, recipeHash, student);
    writeSafetensors(join(directory, 'weights.safetensors'), student.stateDict(), { recipeHash });
    const found = await detectDataset(student, evaluation, {
      batchSize: recipe.batchSize,
      shortSide: recipe.shortSides.at(-1) ?? 0,
      longest: recipe.longest,
      ...(onImages ? { onImages } : {}),
    });
    writeDetections(join(directory, 'detections.json'), found);
    return evaluateCoco(evaluation.groundTruth, found);
  } finally {
    student.dispose();
  }
}

async function trainIn(
  request: AloneRequest,
  recipeHash: string,
  student: ReturnType<typeof createDetector>,
): Promise<void> {
  const { recipe, seed, training } = request;
  const { batchSize, shortSides, longest, flip, schedule, iterations } = recipe;
  const learner = createDetectionLearner({ ...recipe.learner, student, seed });
  try {
    await trainDetector({
      ...request,
      learner,
      iterations,
      schedule,
      recipeHash,
      batches: (firstBatch) =>
        cocoBatches(training, {
          seed,
          batchSize,
          shortSides,
          longest,
          flip,
          pixels: student.pixels,
          firstBatch,
        }),
    });
  } finally {
    learner.dispose();
  }
}
