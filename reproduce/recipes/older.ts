import type { LossTerm } from '../../lib/distill/terms';
import type { TrainingRecipe } from '../../lib/train/recipe';

/** The options of a term that came with a change of its arithmetic. */
const laterOptions = ['teacherStages', 'studentStages', 'mostMiddleChannels'];

/**
 * A cell's recipe as it was before the `++` rows followed the released code in all that it does when it runs
 * (docs/differences.md); the recipe itself where nothing changed. Runs of it stay what they were.
 */
export function olderRecipe(recipe: TrainingRecipe): TrainingRecipe {
  const {
    repeatedNorms: _,
    lastBatch: __,
    evaluation: ___,
    imagesPerReplica: ____,
    linearStart: _____,
    method,
    ...rest
  } = recipe;
  return {
    ...rest,
    augmentation: rest.augmentation === 'deit-by-256' ? 'deit' : rest.augmentation,
    method: { ...method, terms: method.terms.map(olderTerm) },
  };
}

function olderTerm(term: LossTerm): LossTerm {
  const kept = Object.entries(term).filter(([option]) => !laterOptions.includes(option));
  return Object.fromEntries(kept) as unknown as LossTerm;
}
