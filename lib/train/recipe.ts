import { z } from 'zod';
import { LabError } from '../errors';
import type { Method } from '../distill/terms';
import type { Schedule } from './schedule';
import type { SgdOptions } from './sgd';

/** Everything that decides what a training run computes, but for the seed and the data. */
export interface TrainingRecipe {
  readonly student: string;
  readonly method: Method;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly optimiser: SgdOptions;
  /** Pad 4, random crop, random horizontal flip; or the images as they are. */
  readonly augmentation: 'pad-crop-flip' | 'none';
}

const recipeSchema = z.object({
  epochs: z.int().positive(),
  batchSize: z.int().min(2),
  learningRate: z.number().positive(),
});

/**
 * Checks what the types cannot.
 *
 * @throws LabError of kind `option`.
 */
export function checkRecipe(recipe: TrainingRecipe): void {
  const result = recipeSchema.safeParse(recipe);
  if (result.success) return;
  const issue = result.error.issues[0];
  throw new LabError({
    kind: 'option',
    what: 'the recipe cannot be trained',
    where: issue?.path.join('.') ?? 'recipe',
    found: issue?.message ?? 'an unknown fault',
    remedy:
      'Give a whole number of epochs of at least 1, a batch of at least 2, a learning rate above 0',
  });
}

/**
 * The same recipe over another number of epochs: milestones and warm-ups shrink in proportion, so that
 * a short run passes through the same phases.
 */
export function scaledToEpochs(recipe: TrainingRecipe, epochs: number): TrainingRecipe {
  const ratio = epochs / recipe.epochs;
  if (ratio === 1) return recipe;
  const { schedule, method } = recipe;
  return {
    ...recipe,
    epochs,
    schedule:
      schedule.kind === 'step'
        ? { ...schedule, milestones: scaledMilestones(schedule.milestones, ratio) }
        : schedule,
    method: {
      ...method,
      terms: method.terms.map((term) =>
        term.warmUpEpochs === undefined
          ? term
          : { ...term, warmUpEpochs: term.warmUpEpochs * ratio },
      ),
    },
  };
}

/** Milestones that fall on the same epoch count once: a run of few epochs has fewer phases. */
function scaledMilestones(milestones: readonly number[], ratio: number): number[] {
  return [...new Set(milestones.map((epoch) => Math.round(epoch * ratio)))];
}
