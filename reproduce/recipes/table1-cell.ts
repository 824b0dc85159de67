import type { LossTerm } from '../../lib/distill/terms';
import type { Pair } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';

/** A training recipe but for what its place in the table says: the student and the method's name. */
export interface CellRecipe extends Omit<TrainingRecipe, 'student' | 'method'> {
  readonly terms: readonly LossTerm[];
}

/** A recipe, or how it follows from the pair: for cells that stand for every pair. */
export type RecipeOfPair = CellRecipe | ((pair: Pair) => CellRecipe);

/** Written as a cell's pair, it stands for every pair that has no cell of its own in that row. */
export const everyPair = '*';

/**
 * One cell of table 1: a file below `recipes/table1/` exports it as `cell`, or several as `cells`.
 *
 * A plain row holds two recipes where a `++` row is built on it: `kd-published`, which the paper's
 * number comes from, and `kd`, the `++` recipe with the ND weight 0.
 */
export interface Table1Cell {
  /** `resnet56:resnet20`, teacher first, or `*`. */
  readonly pair: string;
  /** The paper's row (`kd++`), or the name of a new one. */
  readonly row: string;
  /** The paper's number, in percent; null where it prints none. */
  readonly expected: number | null;
  /** By method, as `--methods` takes them. */
  readonly recipes: Readonly<Record<string, RecipeOfPair>>;
  /** A study whose table shows it; table 1 then leaves it out. */
  readonly study?: string;
}
