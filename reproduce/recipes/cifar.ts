import { unknownName } from '../../lib/errors';
import type { LossTerm } from '../../lib/distill/terms';
import type { CellRecipe } from './table1-cell';

export { withoutNormDirection } from './table1-cell';

const schedule = {
  epochs: 240,
  schedule: { kind: 'step', milestones: [150, 180, 210], factor: 0.1 },
  augmentation: 'pad-crop-flip',
} as const;

/**
 * The recipe of the paper's `++` rows on CIFAR-100 (official code at fc6f3f9): SGD with Nesterov
 * momentum 0.9, weight decay 5e-4, 240 epochs, batch 128 (written as 64 for each of two GPUs), learning
 * rate 0.1 unless given, × 0.1 at epochs 150, 180 and 210; pad 4, crop, flip. Norms count each batch once,
 * unlike those of mdistiller's wide ResNets, and take the statistics of each GPU's 64 images; the student's
 * classifier begins as in the released `Models`.
 */
export function paperRecipe(
  terms: readonly LossTerm[],
  { learningRate = 0.1, ...others }: { learningRate?: number } = {},
): CellRecipe {
  requireNone(others);
  return {
    ...schedule,
    terms,
    batchSize: 128,
    learningRate,
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
    repeatedNorms: false,
    imagesPerReplica: 64,
    linearStart: 'released',
  };
}

/**
 * The recipe behind the paper's other rows, which come from RepDistiller and mdistiller: the same
 * schedule with batch 64, learning rate 0.05 unless given, and no Nesterov.
 */
export function publishedRecipe(
  terms: readonly LossTerm[],
  { learningRate = 0.05, ...others }: { learningRate?: number } = {},
): CellRecipe {
  requireNone(others);
  return {
    ...schedule,
    terms,
    batchSize: 64,
    learningRate,
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: false },
  };
}

/** Files of recipes are run without a compiler. */
function requireNone(others: object): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw unknownName('option of a recipe', name, ['learningRate']);
}
