import type { Method } from '../../distill/terms';
import type { DetectorOptions } from '../../detection/detector';
import type { DetectionLearnerOptions } from '../../detection/learner';
import { LabError } from '../../errors';
import type { OptimiserOptions } from '../../train/optimiser';
import { scaledWarmUps } from '../../train/recipe';
import type { IterationSchedule } from '../../train/schedule';

/** How images are resized: the length of the shorter side, and the most of the longer one. */
export interface ImageSizes {
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
  readonly schedule: IterationSchedule;
  readonly optimiser: OptimiserOptions;
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
    throw new LabError({
      kind: 'option',
      what: 'the number of iterations is not a whole number of at least 1',
      found: String(iterations),
      remedy: 'Give a number such as 2000',
    });
  }
  const scaled = (count: number): number =>
    Math.max(1, Math.round((count * iterations) / recipe.iterations));
  const { milestones, warmUp } = recipe.schedule;
  return {
    ...recipe,
    iterations,
    method: scaledWarmUps(recipe.method, iterations / recipe.iterations),
    schedule: {
      ...recipe.schedule,
      milestones: milestones.map(scaled),
      ...(warmUp ? { warmUp: { ...warmUp, iterations: scaled(warmUp.iterations) } } : {}),
    },
  };
}
