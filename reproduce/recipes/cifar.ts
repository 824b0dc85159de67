import type { Method } from '../../lib/distill/terms';
import type { TrainingRecipe } from '../../lib/train/recipe';

/**
 * The schedule of the paper's CIFAR-100 table (official code at fc6f3f9): SGD with Nesterov momentum 0.9,
 * weight decay 5e-4, 240 epochs, batch 128, learning rate × 0.1 at 150, 180 and 210; pad 4, crop, flip.
 */
export function distillationRecipe(
  student: string,
  method: Method,
  learningRate = 0.1,
): TrainingRecipe {
  return {
    student,
    method,
    epochs: 240,
    batchSize: 128,
    learningRate,
    schedule: { kind: 'step', milestones: [150, 180, 210], factor: 0.1 },
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
    augmentation: 'pad-crop-flip',
  };
}
