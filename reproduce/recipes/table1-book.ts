import { LabError, unknownName } from '../../lib/errors';
import { inRowOrder, paperMethodOf } from '../../lib/report/methods';
import { hashJson } from '../../lib/records';
import { paperTable } from '../../lib/paper';
import type { RunConfig } from '../../lib/runs/schema';
import { type Pair, pairName } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { teacherRecipe } from './teacher';
import { everyPair, type RecipeOfPair } from './table1-cell';
import type { CellOfFile } from './table1-check';

/** A pair that has no recipe of its own takes this pair's: of the same family, without an adapter. */
export const lender = 'resnet56:resnet20';

const teacherRow = 'teacher';

/** All cells of the table, and what follows from them. */
export interface RecipeBook {
  /** The rows of table 1, in its order, new ones last; those of studies are not among them. */
  readonly methods: readonly string[];
  /** @throws LabError of kind `option` when there is none. */
  recipe(pair: Pair, method: string): TrainingRecipe;
  /** The recipe of a teacher that is trained here. */
  teacher(model: string): TrainingRecipe;
  /** Those of the methods whose recipe is the lender's, since the pair has none of its own. */
  borrowed(pair: Pair, methods: readonly string[]): string[];
  /** Whether a run has the very recipe behind the paper's number. */
  isPaperRecipe(config: RunConfig): boolean;
}

/** What a table's recipes fall back on. */
export interface BookOptions {
  /** Those that borrow nothing: the paper's. */
  readonly pairs: readonly string[];
  /** Whose recipe of a method the others borrow. */
  readonly lender: (method: string) => string;
  /** Of a teacher without a cell of its own. */
  readonly teacher: RecipeOfPair;
}

const table1Options = (): BookOptions => ({
  pairs: paperTable('table1').pairs.map(({ pair }) => pair),
  lender: () => lender,
  teacher: teacherRecipe,
});

/** @throws LabError of kind `option` when two cells train the same teacher differently. */
export function recipeBook(
  cells: readonly CellOfFile[],
  options: BookOptions = table1Options(),
): RecipeBook {
  const inPaper = (pair: string): boolean => options.pairs.includes(pair);
  const methodsOf = (chosen: readonly CellOfFile[]): string[] =>
    inRowOrder(
      chosen.flatMap(({ cell }) => (cell.row === teacherRow ? [] : Object.keys(cell.recipes))),
    );
  const methods = methodsOf(cells.filter(({ cell }) => cell.study === undefined));
  const known = methodsOf(cells);
  const byCell = new Map<string, RecipeOfPair>(
    cells.flatMap(({ cell }) =>
      Object.entries(cell.recipes).map(
        ([method, recipe]) => [key(cell.pair, method), recipe] as const,
      ),
    ),
  );
  const own = (pair: Pair, method: string): RecipeOfPair | undefined =>
    byCell.get(key(pairName(pair), method)) ?? byCell.get(key(everyPair, method));
  const lent = (pair: Pair, method: string): RecipeOfPair | undefined =>
    inPaper(pairName(pair)) ? undefined : byCell.get(key(options.lender(method), method));
  const teachers = teachersOf(cells);

  const book: RecipeBook = {
    methods,
    recipe(pair, method) {
      const recipe = own(pair, method) ?? lent(pair, method);
      if (recipe !== undefined) return trainingRecipe(recipe, pair, pair.student, method);
      if (!known.includes(method)) throw unknownName('method', method, known, '--methods');
      throw new LabError({
        kind: 'option',
        what: `the method '${method}' has no recipe for ${pairName(pair)}`,
        where: '--methods',
        remedy: 'Leave it out for this pair, or give it a cell of its own',
      });
    },
    teacher(model) {
      const alone = { teacher: model, student: model };
      return trainingRecipe(teachers.get(model) ?? options.teacher, alone, model, teacherRow);
    },
    borrowed: (pair, asked) =>
      asked.filter((method) => !own(pair, method) && lent(pair, method) !== undefined),
    isPaperRecipe({ pair, student, method, recipe }) {
      const hash = hashJson(recipe['training']);
      if (method === teacherRow) {
        return teachers.has(student) && hash === hashJson(book.teacher(student));
      }
      const [teacher = ''] = pair.split(':');
      return (
        inPaper(pair) &&
        // The base of a `++` row has no number in the paper.
        paperMethodOf(method) !== null &&
        byCell.has(key(pair, method)) &&
        hash === hashJson(book.recipe({ teacher, student }, method))
      );
    },
  };
  return book;
}

function trainingRecipe(
  recipe: RecipeOfPair,
  pair: Pair,
  student: string,
  name: string,
): TrainingRecipe {
  const { terms, ...rest } = typeof recipe === 'function' ? recipe(pair) : recipe;
  return { student, method: { name, terms }, ...rest };
}

/** The teachers that have cells of their own; pairs that share one must agree on it. */
function teachersOf(cells: readonly CellOfFile[]): Map<string, RecipeOfPair> {
  const found = new Map<string, { recipe: RecipeOfPair; file: string }>();
  for (const { cell, file } of cells) {
    const recipe = cell.row === teacherRow ? cell.recipes[teacherRow] : undefined;
    const [model] = cell.pair.split(':');
    if (recipe === undefined || model === undefined || typeof recipe === 'function') continue;
    const other = found.get(model);
    if (other !== undefined && hashJson(other.recipe) !== hashJson(recipe)) {
      throw new LabError({
        kind: 'option',
        what: `two pairs share the teacher ${model} and train it differently`,
        where: file,
        found: `another recipe in ${other.file}`,
        remedy: 'Give both the same recipe: a teacher is trained once',
      });
    }
    found.set(model, { recipe, file });
  }
  return new Map([...found].map(([model, { recipe }]) => [model, recipe]));
}

function key(pair: string, method: string): string {
  return `${pair} ${method}`;
}
