import { detectronWarmUp } from '../../lib/train/schedule';
import type { LossTerm } from '../../lib/distill/terms';
import type { Table3Recipe } from './table3-cell';

/**
 * The released configurations' settings (official code at fc6f3f9, on detectron2 0.6): SGD with momentum
 * 0.9 and weight decay 1e-4, of norms none, batches of 8, 2 on each of four GPUs, learning rate 0.01 with detectron2's warm-up of 1,000
 * iterations, 180,000 iterations, × 0.1 at 120,000 and 160,000; shorter side 640 to 800 in steps of 32,
 * no side above 1333, mirrored with probability ½; evaluation at 800.
 */
export function detectronRecipe(
  terms: readonly LossTerm[],
  changes: Partial<Omit<Table3Recipe, 'terms'>> = {},
): Table3Recipe {
  return {
    terms,
    iterations: 180_000,
    batchSize: 8,
    schedule: { base: 0.01, milestones: [120_000, 160_000], warmUp: detectronWarmUp },
    optimiser: { momentum: 0.9, weightDecay: 1e-4, nesterov: false, undecayed: 'norms' },
    imagesPerReplica: 2,
    sizes: { training: [640, 672, 704, 736, 768, 800], evaluation: 800, longest: 1333 },
    flip: true,
    ...changes,
  };
}

/**
 * detectron2's 3x schedule, with which its published teachers were trained: batches of 16, learning rate
 * 0.02, 270,000 iterations, × 0.1 at 210,000 and 250,000.
 */
export const publishedTeacherRecipe = detectronRecipe([], {
  iterations: 270_000,
  batchSize: 16,
  schedule: { base: 0.02, milestones: [210_000, 250_000], warmUp: detectronWarmUp },
});
