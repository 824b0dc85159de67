import { crossEntropy } from '../../lib/distill/terms';
import type { TrainingRecipe } from '../../lib/train/recipe';

/**
 * A teacher that is trained here, as the published ones were (mdistiller's vanilla configuration): cross
 * entropy, SGD with momentum 0.9 and no Nesterov, weight decay 5e-4, batch 64, learning rate 0.05, 240
 * epochs, × 0.1 at 150, 180 and 210.
 */
export function teacherRecipe(model: string): TrainingRecipe {
  return {
    student: model,
    method: { name: 'teacher', terms: [crossEntropy()] },
    epochs: 240,
    batchSize: 64,
    learningRate: 0.05,
    schedule: { kind: 'step', milestones: [150, 180, 210], factor: 0.1 },
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: false },
    augmentation: 'pad-crop-flip',
  };
}
