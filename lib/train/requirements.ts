import { definitionOf, needs } from '../distill/term';
import { LabError } from '../errors';
import {
  batchesOfEpoch,
  isBatchSource,
  requireInMemoryAugmentation,
  type TrainingData,
} from './batch-source';
import { checkRecipe, type TrainingRecipe } from './recipe';
import type { TrainingOptions } from './train';

/**
 * Checks that a recipe can run on a data set, before anything is trained.
 *
 * @throws LabError when the batch is larger than the data set, there are too few classes, or images in
 * memory are to be augmented as only read ones are.
 */
export function requireRecipeFits(recipe: TrainingRecipe, dataset: TrainingData): void {
  checkRecipe(recipe);
  batchesOfEpoch(dataset, recipe.batchSize);
  if (!isBatchSource(dataset)) requireInMemoryAugmentation(recipe.augmentation, dataset.name);
  const classes = dataset.classes.length;
  for (const term of recipe.method.terms) {
    const { fewestClasses = 2 } = definitionOf(term);
    if (classes >= fewestClasses) continue;
    throw new LabError({
      kind: 'data',
      what: `the loss '${term.loss}' needs at least ${fewestClasses} classes`,
      where: `method ${recipe.method.name}`,
      found: `${classes} in ${dataset.name}`,
      remedy: 'Leave the method out with --methods, or take a data set with more classes',
    });
  }
}

/**
 * Checks that a run's parts belong together.
 *
 * @throws LabError as `requireRecipeFits` does, and when the student knows another number of classes
 * than the data set or class means are missing.
 */
export function requireTrainable({ recipe, dataset, student, teacher }: TrainingOptions): void {
  requireRecipeFits(recipe, dataset);
  if (student.classes !== dataset.classes.length) {
    throw new LabError({
      kind: 'model',
      what: 'the student knows another number of classes than the data set',
      found: `${student.classes} and ${dataset.classes.length}`,
      remedy: 'Make the student for this data set',
    });
  }
  if (needs(recipe.method, 'class means') && !teacher?.classMeans) {
    throw new LabError({
      kind: 'option',
      what: `the method '${recipe.method.name}' needs the teacher's class means`,
      remedy: 'Make them with `npm run class-means`',
    });
  }
}
