import { detectorForm } from './detectors';
import type { DetectionRecipe } from './recipe';

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
      warmUp: { iterations: 50, factor: 0.01 },
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
