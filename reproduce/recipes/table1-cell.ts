import type { LossTerm } from '../../lib/distill/terms';
import type { Pair } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';

/** A training recipe but for what its place in the table says: the student and the method's name. */
export interface CellRecipe extends Omit<TrainingRecipe, 'student' | 'method' | 'linearStart'> {
  readonly terms: readonly LossTerm[];
  /** Or `released`: as the paper's code begins this student under the method (`releasedStart`). */
  readonly linearStart?: TrainingRecipe['linearStart'] | 'released';
}

/**
 * A recipe, or how it follows from the pair and from the pair's other recipes: for cells that stand for
 * every pair.
 */
export type RecipeOfPair =
  CellRecipe | ((pair: Pair, recipeOf: (method: string) => TrainingRecipe) => CellRecipe);

/** Written as a cell's pair, it stands for every pair that has no cell of its own in that row. */
export const everyPair = '*';

/**
 * One cell of table 1 or 2. A file of yours exports it as `cell`, or several as `cells`.
 *
 * A plain row holds two recipes where a `++` row is built on it: `kd-published`, which the paper's
 * number comes from, and `kd`, the `++` recipe with the ND weight 0.
 */
export interface Table1Cell {
  /** Whose cell it is, in a file of yours outside the clone; table 1's unless given. */
  readonly table?: 'table1' | 'table2';
  /** `resnet56:resnet20`, teacher first, or `*`. */
  readonly pair: string;
  /** The paper's row (`kd++`), or the name of a new one. */
  readonly row: string;
  /** A number to keep in mind, in percent; the paper's stand in `results/paper/`. */
  readonly expected?: number | null;
  /** By method, as `--methods` takes them. */
  readonly recipes: Readonly<Record<string, RecipeOfPair>>;
  /** A study whose table shows it; table 1 then leaves it out. */
  readonly study?: string;
}

/** The base of a `++` recipe: the same with the ND weight 0, so without the term and its adapter. */
export function withoutNormDirection({ terms, ...rest }: CellRecipe): CellRecipe {
  return { ...rest, terms: terms.filter(({ loss }) => !normDirectionTerms.includes(loss)) };
}

const normDirectionTerms = ['normDirection', 'mixedNormDirection'];

/** Rows by method: how each recipe follows from a pair's weights; undefined where a pair has none. */
export type Rows<W> = Readonly<Record<string, (weights: W) => CellRecipe | undefined>>;

/** `++` rows, and beside each its base: `kd` from `kd++`. */
export function withBases<W>(plusPlus: Rows<W>): Rows<W> {
  const bases = Object.entries(plusPlus).map(([method, recipe]): [string, Rows<W>[string]] => [
    method.replace(/\+\+$/, ''),
    (weights) => {
      const whole = recipe(weights);
      return whole && withoutNormDirection(whole);
    },
  ]);
  return { ...plusPlus, ...Object.fromEntries(bases) };
}

/** The cells of a table: every row for every pair's weights, a published recipe in the cell of its row. */
export function tableCells<W>(pairs: Readonly<Record<string, W>>, rows: Rows<W>): Table1Cell[] {
  return Object.entries(pairs).flatMap(([pair, weights]) => {
    const cells = new Map<string, Record<string, CellRecipe>>();
    for (const [method, recipeOf] of Object.entries(rows)) {
      const recipe = recipeOf(weights);
      if (recipe === undefined) continue;
      const row = method.replace(/-published$/, '');
      cells.set(row, { ...cells.get(row), [method]: recipe });
    }
    return [...cells].map(([row, recipes]) => ({ pair, row, recipes }));
  });
}
