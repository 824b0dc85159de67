import { join } from 'node:path';
import type { RunConfig } from '../../../lib/runs/schema';
import { type Pair, pairName } from '../../../lib/runs/grid';
import { paperTable } from '../../../lib/paper';
import type { TrainingRecipe } from '../../../lib/train/recipe';
import { definitionsBelow } from '../../definitions';
import { lender, type RecipeBook, recipeBook } from '../table1-book';
import { checkedCells } from '../table1-check';

let read: RecipeBook | undefined;

const studies = join(__dirname, '..', 'studies');

/**
 * The files of this folder and of the studies' beside it, read when they are first needed: a faulty one
 * is then a clear message.
 */
function book(): RecipeBook {
  read ??= recipeBook(
    checkedCells([...definitionsBelow(__dirname), ...definitionsBelow(studies, {})]),
  );
  return read;
}

/** The paper's pairs, in the table's order. */
export const paperPairs: readonly string[] = paperTable('table1').pairs.map(({ pair }) => pair);

/**
 * What `--methods` takes: the rows that can be run, in the table's order, a published recipe
 * (`kd-published`) before the `++` recipe without ND (`kd`); then one's own.
 *
 * @throws LabError of kind `option` or `file` that names a faulty file of recipes; so do those below.
 */
export function table1Methods(): readonly string[] {
  return book().methods;
}

/**
 * The recipe of a method on a pair. A pair that the paper does not have takes those of
 * resnet56 → resnet20 with its own student, but for what has a file of its own.
 *
 * @throws LabError of kind `option` for a method that is neither among `table1Methods` nor a study's.
 */
export function table1Recipe(pair: Pair, method: string): TrainingRecipe {
  return book().recipe(pair, method);
}

/** The recipe of a teacher that is trained here. */
export function table1TeacherRecipe(model: string): TrainingRecipe {
  return book().teacher(model);
}

/**
 * Whether a run has the recipe behind the paper's number. The base of a `++` row never has: the paper's
 * plain rows come from other code with recipes of their own, `kd-published` and so on.
 */
export function isPaperRecipe(config: RunConfig): boolean {
  return book().isPaperRecipe(config);
}

/** A line for each pair that takes another's recipes. */
export function borrowingNotes(pairs: readonly Pair[], methods: readonly string[]): string[] {
  return pairs.flatMap((pair) => {
    const borrowed = book().borrowed(pair, methods);
    return borrowed.length === 0
      ? []
      : [`${pairName(pair)} takes the recipes of ${lender} for ${borrowed.join(', ')}.`];
  });
}
