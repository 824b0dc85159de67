import type { DetectorOptions } from '../detection/detector';
import type { DetectionLearnerOptions } from '../detection/learner';
import { scaledWarmUps } from '../train/recipe';
import type { IterationSchedule } from '../train/schedule';
import type { Method } from '../distill/terms';
import { optionError, unknownName } from '../errors';
import type { OptimiserOptions } from '../train/optimiser';
import type { Pair } from './grid';

/** What a detector is made of. */
export type DetectorForm = DetectionRecipe['detector'];

/** Of the small ones, for small images: teacher and student must have the same head, as the paper's have. */
const small = {
  width: 24,
  norm: 'batch',
  freezeAt: 0,
  pyramidChannels: 48,
  embeddingSize: 256,
  anchorSizes: [12, 24, 48, 96, 192],
  canonicalSide: 64,
} as const;

/**
 * The detectors of table 3 by the names of its pairs, and small ones that learn something from random
 * weights in minutes.
 */
const detectors: Readonly<Record<string, DetectorForm>> = {
  'r101-fpn': { backbone: 'resnet101' },
  'r50-fpn': { backbone: 'resnet50' },
  'r18-fpn': { backbone: 'resnet18' },
  // The released configuration trains all of it, unlike the ResNets'.
  'mobilenet_v2-fpn': { backbone: 'mobilenetv2', freezeAt: 0 },
  'r34-small': { ...small, backbone: 'resnet34' },
  'r18-small': { ...small, backbone: 'resnet18' },
};

/** What `--pairs` takes. */
export const detectorNames: readonly string[] = Object.keys(detectors);

/** @throws LabError of kind `option` for an unknown name. */
export function detectorForm(name: string, option = '--pairs'): DetectorForm {
  const form = Object.hasOwn(detectors, name) ? detectors[name] : undefined;
  if (form === undefined) throw unknownName('detector', name, detectorNames, option);
  return form;
}

/** Whether it begins with random weights; the paper's begin with a backbone trained on ImageNet. */
export function isSmall(name: string): boolean {
  return detectorForm(name).norm === 'batch';
}

/**
 * Checks that a pair's detectors are known and of one kind.
 *
 * @throws LabError of kind `option`.
 */
export function requirePair({ teacher, student }: Pair, option = '--pairs'): void {
  detectorForm(teacher, option);
  detectorForm(student, option);
  if (isSmall(teacher) === isSmall(student)) return;
  throw optionError`teacher and student have box heads of different sizes (${option}): found ${teacher}:${student}. Pair a small detector with a small one, and one of the paper’s with another of them`;
}

/** How images are resized: the length of the shorter side, and the most of the longer one. */
interface ImageSizes {
  /** One is drawn for each training image. */
  readonly training: readonly number[];
  readonly evaluation: number;
  readonly longest: number;
}

export type DetectionSampling = Pick<
  DetectionLearnerOptions,
  'largestGradient' | 'proposals' | 'anchorSampling' | 'proposalSampling'
>;

/** Everything that decides what a detector's training computes, but for the seed and the data. */
export interface DetectionRecipe {
  /** As `--pairs` names it: `r18-fpn`. */
  readonly student: string;
  readonly detector: Omit<DetectorOptions, 'classes' | 'seed' | 'pixels'>;
  /** Distillation beside the detector's own losses; no terms for a detector alone. */
  readonly method: Method;
  readonly iterations: number;
  readonly batchSize: number;
  /** float32 unless given. */
  readonly precision?: 'bf16' | 'tf32';
  readonly schedule: IterationSchedule;
  readonly optimiser: OptimiserOptions;
  /** As of `TrainingRecipe`, for ReviewKD's blocks; the networks' own norms are frozen or see the whole batch. */
  readonly imagesPerReplica?: number;
  /** How regions are sampled and gradients bounded; detectron2's ways unless given. */
  readonly sampling?: DetectionSampling;
  readonly sizes: ImageSizes;
  readonly flip: boolean;
}

/**
 * A recipe of another length: the milestones and the warm-ups keep their share of it.
 *
 * @throws LabError of kind `option` unless it is a whole number of at least 1.
 */
export function scaledToIterations(recipe: DetectionRecipe, iterations: number): DetectionRecipe {
  if (!Number.isSafeInteger(iterations) || iterations < 1) {
    throw optionError`the number of iterations is not a whole number of at least 1: found ${String(iterations)}. Give a number such as 2000`;
  }
  const scaled = (count: number): number =>
    Math.max(1, Math.round((count * iterations) / recipe.iterations));
  const { milestones, warmUp } = recipe.schedule;
  return {
    ...recipe,
    method: scaledWarmUps(recipe.method, iterations / recipe.iterations),
    iterations,
    schedule: {
      ...recipe.schedule,
      milestones: milestones.map(scaled),
      ...(warmUp ? { warmUp: { ...warmUp, iterations: scaled(warmUp.iterations) } } : {}),
    },
  };
}

/** What of the small recipe can be chosen. */
export interface SmallRecipeOptions {
  readonly iterations?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly shortSide?: number;
  /** Channels of the ResNet-18's stem. */
  readonly width?: number;
  readonly flip?: boolean;
}

/** The defaults of `smallRecipe`. */
export const smallRecipeDefaults = {
  iterations: 2400,
  batchSize: 4,
  learningRate: 0.001,
  shortSide: 256,
  width: 24,
  flip: false,
} as const satisfies Required<SmallRecipeOptions>;

/** Longest over shortest side: 1333 / 800 and a little more. */
const longestShare = 1.72;

/**
 * For a few dozen images of which every object is to be learnt from random weights: a narrow ResNet-18
 * with batch norm, small anchors for small images, AdamW; the rate falls to a tenth at 73 and 90 % of
 * the iterations.
 */
export function smallRecipe(options: SmallRecipeOptions = {}): DetectionRecipe {
  const { iterations, batchSize, learningRate, shortSide, width, flip } = {
    ...smallRecipeDefaults,
    ...options,
  };
  return {
    student: 'r18-small',
    detector: { ...detectorForm('r18-small'), width },
    method: { name: 'student', terms: [] },
    iterations,
    batchSize,
    schedule: {
      base: learningRate,
      milestones: [0.73, 0.9].map((share) => Math.max(1, Math.round(share * iterations))),
      // At most the first third of a short run.
      warmUp: { iterations: Math.max(1, Math.min(50, Math.round(iterations / 3))), factor: 0.01 },
    },
    optimiser: { kind: 'adamw', betas: [0.9, 0.999], weightDecay: 1e-4 },
    sampling: {
      largestGradient: 10,
      proposals: { before: 500, after: 200, threshold: 0.7 },
      proposalSampling: { count: 128, objectShare: 0.5 },
    },
    sizes: {
      training: [shortSide],
      evaluation: shortSide,
      longest: Math.round(shortSide * longestShare),
    },
    flip,
  };
}
