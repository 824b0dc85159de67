import type { LossTerm } from '../../lib/distill/terms';
import type { CellRecipe } from './table1-cell';

const schedule = {
  epochs: 100,
  schedule: { kind: 'step', milestones: [30, 60, 90], factor: 0.1 },
  augmentation: 'resized-crop-flip',
} as const;

/**
 * The recipe of the paper's `++` rows on ImageNet (official code at fc6f3f9): SGD with Nesterov momentum
 * 0.9, weight decay 1e-4, 100 epochs, batch 512 in all, 64 on each of eight GPUs, learning rate 0.2, × 0.1 at
 * epochs 30, 60 and 90; random resized crop to 224 and flip.
 */
export function paperRecipe(terms: readonly LossTerm[]): CellRecipe {
  return {
    ...schedule,
    terms,
    batchSize: 512,
    imagesPerReplica: 64,
    linearStart: 'released',
    learningRate: 0.2,
    optimiser: { momentum: 0.9, weightDecay: 1e-4, nesterov: true },
  };
}

/**
 * The recipe behind the paper's other rows, which come from mdistiller and others: the same schedule
 * without Nesterov; batch 512 and learning rate 0.2, or half of both.
 */
export function publishedRecipe(
  terms: readonly LossTerm[],
  { batchSize = 512 }: { batchSize?: 256 | 512 } = {},
): CellRecipe {
  return {
    ...schedule,
    terms,
    batchSize,
    learningRate: (0.2 * batchSize) / 512,
    optimiser: { momentum: 0.9, weightDecay: 1e-4, nesterov: false },
  };
}

/** torchvision's recipe for its ResNets: batch 256, learning rate 0.1, 90 epochs, × 0.1 at 30 and 60. */
export function torchvisionRecipe(terms: readonly LossTerm[]): CellRecipe {
  return {
    ...publishedRecipe(terms, { batchSize: 256 }),
    epochs: 90,
    schedule: { kind: 'step', milestones: [30, 60], factor: 0.1 },
  };
}

/**
 * The recipe of DeiT++ (official code at fc6f3f9, train.sh): AdamW, learning rate 1e-4 · 2048 / 256, betas
 * 0.9 and 0.95, weight decay 0.3 of all but vectors (tokens and positions decay too), 300 epochs, of which
 * 20 warm up, cosine over the rest down to 1e-6, by step; stochastic depth 0.1. A batch is 2,048 images as
 * 256 on each of eight GPUs: parts of 256, so that the adapter's batch norm and the smoothing of the class
 * means see as many, and mixed in such parts. A last batch that is short is left out; images are scaled
 * bicubically for evaluation.
 */
export function deitRecipe(terms: readonly LossTerm[]): CellRecipe {
  return {
    terms,
    epochs: 300,
    batchSize: 2048,
    microBatch: 256,
    imagesPerReplica: 256,
    linearStart: 'released',
    learningRate: 8e-4,
    schedule: {
      kind: 'cosine',
      minimum: 1e-6,
      warmUpEpochs: 20,
      over: 'epochs after the warm-up',
      by: 'step',
    },
    optimiser: { kind: 'adamw', betas: [0.9, 0.95], weightDecay: 0.3, undecayed: [] },
    augmentation: 'deit-by-256',
    lastBatch: 'left out',
    evaluation: 'bicubic',
    dropPath: 0.1,
  };
}

/**
 * DeiT's own recipe (Touvron et al.), but for its repeated augmentation: AdamW, learning rate 1e-3 at batch
 * 1024, weight decay 0.05, 300 epochs, 5 of warm-up from 1e-6, timm's cosine by epoch down to 1e-5.
 */
export function deitPublishedRecipe(terms: readonly LossTerm[]): CellRecipe {
  return {
    terms,
    epochs: 300,
    batchSize: 1024,
    learningRate: 1e-3,
    schedule: { kind: 'cosine', minimum: 1e-5, warmUpEpochs: 5, warmUpFrom: 1e-6 },
    optimiser: { kind: 'adamw', betas: [0.9, 0.999], weightDecay: 0.05 },
    augmentation: 'deit',
    dropPath: 0.1,
  };
}
