import { optionError, unknownName } from '../../lib/errors';
import { hasRepeatedNorms, releasedStart } from '../../lib/models/registry';
import { inRowOrder, paperMethodOf } from '../../lib/report/methods';
import { hashJson } from '../../lib/records';
import type { RunConfig } from '../../lib/runs/schema';
import { type Pair, pairName } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { everyPair, type RecipeOfPair } from './table1-cell';
import type { CellOfFile } from './check';

const teacherRow = 'teacher';

/** All recipes of a table, and what follows from them. */
export interface RecipeRegistry {
  /** The rows of table 1, in its order, new ones last; those of studies are not among them. */
  readonly methods: readonly string[];
  /** @throws LabError of kind `option` when there is none. */
  recipe(pair: Pair, method: string): TrainingRecipe;
  /** The recipe of a teacher that is trained here. */
  teacher(model: string): TrainingRecipe;
  /** Those of the methods for which the pair has no recipe of its own and takes the fallback pair's. */
  fallbacks(pair: Pair, methods: readonly string[]): string[];
  /** Whether a run has the very recipe behind the paper's number. */
  isPaperRecipe(config: RunConfig): boolean;
}

/** What a table's recipes fall back on. */
interface RegistryOptions {
  /** The paper's: they have the recipes of their own cells alone. */
  readonly pairs: readonly string[];
  /** Whose recipe of a method the other pairs take. */
  readonly fallbackPair: (method: string) => string;
  /** Of a teacher without a cell of its own. */
  readonly fallbackTeacher: RecipeOfPair;
}

/** @throws LabError of kind `option` when two cells train the same teacher differently. */
export function recipeRegistry(
  cells: readonly CellOfFile[],
  options: RegistryOptions,
): RecipeRegistry {
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
  const fallback = (pair: Pair, method: string): RecipeOfPair | undefined =>
    inPaper(pairName(pair)) ? undefined : byCell.get(key(options.fallbackPair(method), method));
  const completed = (recipe: RecipeOfPair, pair: Pair, name: string): TrainingRecipe => {
    const { terms, repeatedNorms, linearStart, ...rest } =
      typeof recipe === 'function'
        ? recipe(pair, (method) => registry.recipe(pair, method))
        : recipe;
    const { student } = pair;
    const start = linearStart === 'released' ? releasedStart(student, name) : linearStart;
    return {
      student,
      method: { name, terms },
      ...rest,
      // Said of those networks alone in which it changes something.
      ...(repeatedNorms === false && hasRepeatedNorms(student) ? { repeatedNorms } : {}),
      ...(start === undefined ? {} : { linearStart: start }),
    };
  };
  const teachers = teachersOf(cells);

  const registry: RecipeRegistry = {
    methods,
    recipe(pair, method) {
      const recipe = own(pair, method) ?? fallback(pair, method);
      if (recipe !== undefined) return completed(recipe, pair, method);
      if (!known.includes(method)) throw unknownName('method', method, known, '--methods');
      throw optionError`the method '${method}' has no recipe for ${pairName(pair)} (--methods). Leave it out for this pair, or give it a cell of its own`;
    },
    teacher(model) {
      const alone = { teacher: model, student: model };
      return completed(teachers.get(model) ?? options.fallbackTeacher, alone, teacherRow);
    },
    fallbacks: (pair, asked) =>
      asked.filter((method) => !own(pair, method) && fallback(pair, method) !== undefined),
    isPaperRecipe({ pair, student, method, recipe }) {
      const hash = hashJson(recipe['training']);
      if (method === teacherRow) {
        return teachers.has(student) && hash === hashJson(registry.teacher(student));
      }
      const [teacher = ''] = pair.split(':');
      return (
        inPaper(pair) &&
        // The base of a `++` row has no number in the paper.
        paperMethodOf(method) !== null &&
        byCell.has(key(pair, method)) &&
        hash === hashJson(registry.recipe({ teacher, student }, method))
      );
    },
  };
  return registry;
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
      throw optionError`two pairs share the teacher ${model} and train it differently (${file}): found another recipe in ${other.file}. Give both the same recipe: a teacher is trained once`;
    }
    found.set(model, { recipe, file });
  }
  return new Map([...found].map(([model, { recipe }]) => [model, recipe]));
}

function key(pair: string, method: string): string {
  return `${pair} ${method}`;
}
