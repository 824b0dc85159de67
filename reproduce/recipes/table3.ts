import { join } from 'node:path';
import { ofObjects, reviewPyramid } from '../../lib/detection/distillation';
import { dkd, kd, type LossTerm, normDirection } from '../../lib/distill/terms';
import { optionError, unknownName } from '../../lib/errors';
import { paperTable } from '../../lib/paper';
import {
  type DetectionRecipe,
  detectorForm,
  isSmall,
  smallRecipe,
  type SmallRecipeOptions,
} from '../../lib/runs/detection-recipe';
import { type Pair, pairName } from '../../lib/runs/grid';
import { definitionsOf } from '../definitions';
import { type CellsOfFile, checkTerms, requireOneFileEach } from './check';
import { detectronRecipe, publishedTeacherRecipe } from './coco';
import type { Table3Cell, Table3Recipe } from './table3-cell';

/** What differs between the pairs; where each number comes from stands in docs/table3.md. */
interface Weights {
  readonly kd: readonly [kd: number, nd: number];
  /** ReviewKD alone has another weight than below ND. */
  readonly reviewkd: number;
  readonly 'reviewkd++': readonly [reviewkd: number, nd: number];
  /** Of the Mask R-CNN configurations. */
  readonly 'reviewkd-mask': number;
}

// prettier-ignore
const pairs: Readonly<Record<string, Weights>> = {
  'r101-fpn:r18-fpn':         { kd: [1, 1.5], reviewkd: 1.2, 'reviewkd++': [1.2, 1.5], 'reviewkd-mask': 1.5 },
  'r101-fpn:r50-fpn':         { kd: [1, 1],   reviewkd: 1,   'reviewkd++': [1.4, 1],   'reviewkd-mask': 0.8 },
  'r50-fpn:mobilenet_v2-fpn': { kd: [1, 1],   reviewkd: 2,   'reviewkd++': [2.2, 1.5], 'reviewkd-mask': 1 },
};

const dkdTerm = dkd({ alpha: 1, beta: 0.25, temperature: 1 });

/** Every row, in the table's order; the detector's own losses stand in no list. */
const rows: Readonly<Record<string, (weights: Weights) => Table3Recipe>> = {
  teacher: () => publishedTeacherRecipe,
  student: () => detectronRecipe([]),
  kd: ({ kd: [weight] }) => detectronRecipe([kd({ weight, temperature: 1 })]),
  reviewkd: ({ reviewkd: weight }) => detectronRecipe([reviewPyramid({ weight })]),
  // Boxes alone: there is no mask head here (docs/differences.md).
  'reviewkd-mask': ({ 'reviewkd-mask': weight }) => detectronRecipe([reviewPyramid({ weight })]),
  dkd: () => detectronRecipe([dkdTerm]),
  reviewdkd: ({ reviewkd: weight }) => detectronRecipe([dkdTerm, reviewPyramid({ weight })]),
  'kd++': ({ kd: [weight, nd] }) =>
    detectronRecipe([kd({ weight, temperature: 1 }), normDirection({ weight: nd })]),
  'reviewkd++': ({ 'reviewkd++': [weight, nd] }) =>
    detectronRecipe([reviewPyramid({ weight }), normDirection({ weight: nd })]),
  // No released configuration has ND beside these two: its weight is that of ReviewKD++.
  'reviewdkd++': ({ reviewkd: weight, 'reviewkd++': [, nd] }) =>
    detectronRecipe([dkdTerm, reviewPyramid({ weight }), normDirection({ weight: nd })]),
};

/** KD++ with other weights of ND, and with ND on the regions of objects alone: what ND does to a detector. */
const ndRows: typeof rows = {
  'kd+nd-x0.1': ({ kd: [weight, nd] }) => withNd(weight, normDirection({ weight: 0.1 * nd })),
  'kd+nd-x0.33': ({ kd: [weight, nd] }) => withNd(weight, normDirection({ weight: nd / 3 })),
  'kd+nd-objects': ({ kd: [weight, nd] }) =>
    withNd(weight, ofObjects(normDirection({ weight: nd }))),
};

function withNd(weight: number, nd: LossTerm): Table3Recipe {
  return detectronRecipe([kd({ weight, temperature: 1 }), nd]);
}

/** A pair that has no recipes of its own takes this one's loss terms. */
const fallbackPair = 'r101-fpn:r18-fpn';

const teacherRow = 'teacher';

/** The rows in the table's order; others follow. */
const rowOrder = Object.keys({ ...rows, ...ndRows });

/** The paper's pairs, in its order. */
export const paperPairs: readonly string[] = paperTable('table3').pairs.map(({ pair }) => pair);

let made: readonly Table3Cell[] | undefined;

/** This file's cells and the user's, put together when they are first needed. */
function cells(): readonly Table3Cell[] {
  made ??= checkedCells([
    {
      file: __filename,
      cells: Object.entries(pairs).flatMap(([pair, weights]) =>
        Object.entries({ ...rows, ...ndRows }).map(([row, recipeOf]) => ({
          pair,
          row,
          recipe: recipeOf(weights),
        })),
      ),
    },
    ...definitionsOf('table3', join(__dirname, 'table3')),
  ]);
  return made;
}

/** The rows that belong to the table: those that ask what ND does are trained where they are named. */
export function table3Rows(): string[] {
  return table3Methods().filter((row) => !Object.hasOwn(ndRows, row));
}

/** What `--methods` takes besides `teacher`. @throws LabError that names a file without a cell. */
export function table3Methods(): string[] {
  const rows = new Set(cells().map(({ row }) => row));
  rows.delete(teacherRow);
  const known = rowOrder.filter((row) => rows.has(row));
  return [...known, ...[...rows].filter((row) => !rowOrder.includes(row)).sort()];
}

/**
 * The recipe of a method on a pair: that of its file for the paper's detectors; for small ones the small
 * recipe with the loss terms of ResNet-101 → ResNet-18, or of the pair's own file.
 *
 * @throws LabError of kind `option` when there is none.
 */
export function table3Recipe(
  pair: Pair,
  method: string,
  small: SmallRecipeOptions = {},
): DetectionRecipe {
  const { recipe } = cellOf(pair, method);
  const { student } = pair;
  return isSmall(student)
    ? smallOf(student, method, recipe.terms, small)
    : wholeOf(student, method, recipe);
}

/** The recipe of a teacher that is trained here. */
export function table3TeacherRecipe(
  teacher: string,
  small: SmallRecipeOptions = {},
): DetectionRecipe {
  return isSmall(teacher)
    ? smallOf(teacher, teacherRow, [], small)
    : wholeOf(teacher, teacherRow, publishedTeacherRecipe);
}

/** A line for each pair that takes another's loss terms. */
export function fallbackNotes(chosen: readonly Pair[], methods: readonly string[]): string[] {
  return chosen.flatMap((pair) => {
    const name = pairName(pair);
    const own = cells().filter((cell) => cell.pair === name);
    const taken = methods.filter(
      (method) =>
        method !== 'student' && method !== teacherRow && !own.some(({ row }) => row === method),
    );
    return taken.length === 0
      ? []
      : [`${name} takes the loss weights of ${fallbackPair} for ${taken.join(', ')}.`];
  });
}

function smallOf(
  student: string,
  method: string,
  terms: readonly LossTerm[],
  options: SmallRecipeOptions,
): DetectionRecipe {
  return {
    ...smallRecipe(options),
    student,
    detector: detectorForm(student),
    method: { name: method, terms },
  };
}

function wholeOf(
  student: string,
  method: string,
  { terms, ...recipe }: Table3Recipe,
): DetectionRecipe {
  return { ...recipe, student, detector: detectorForm(student), method: { name: method, terms } };
}

function cellOf(pair: Pair, method: string): Table3Cell {
  const name = pairName(pair);
  const found =
    cells().find((cell) => cell.pair === name && cell.row === method) ??
    cells().find((cell) => cell.pair === fallbackPair && cell.row === method);
  if (found !== undefined) return found;
  if (method === 'student') {
    return { pair: name, row: method, recipe: detectronRecipe([]) };
  }
  throw unknownName('method', method, table3Methods(), '--methods');
}

/** The cells of all files, after a look at their form: the compiler has checked the project's own. */
function checkedCells(files: readonly CellsOfFile[]): Table3Cell[] {
  const found = files.flatMap(({ file, cells: values }) =>
    values.map((value) => {
      if (isCell(value)) {
        requireKnown('cell', value, cellFields, file);
        requireKnown('recipe', value.recipe, recipeFields, file);
        checkTerms(value.recipe.terms.filter(isNoReview).map(ofAllRegions), file);
        if (value.row === teacherRow && file !== __filename) {
          throw optionError`a detector that teaches has detectron2's published recipe (${file}): found a cell of row ${teacherRow}. Leave it out, and give weights of your own with --teacher-weights`;
        }
        return { file, value };
      }
      throw optionError`a file of recipes does not export a cell of table 3 (${file}). Export \`cell\`, a Table3Cell of norm-direction-lab/recipes`;
    }),
  );
  requireOneFileEach(
    found.map(({ file, value: { pair, row } }) => ({ file, cell: `${row} of ${pair}` })),
  );
  return found.map(({ value }) => value);
}

// What detectors have beyond the terms of classifiers.
const isNoReview = ({ loss }: LossTerm): boolean => loss !== reviewPyramid().loss;
const ofAllRegions = (term: LossTerm): LossTerm => ({ ...term, ...{ regions: undefined } });

const cellFields: Readonly<Record<keyof Table3Cell | 'table', true>> = {
  ...{ table: true, pair: true, row: true, expected: true, recipe: true },
};
const recipeFields: Readonly<Record<keyof Table3Recipe, true>> = {
  ...{ terms: true, iterations: true, batchSize: true, precision: true, schedule: true },
  ...{ optimiser: true, imagesPerReplica: true, sampling: true, sizes: true, flip: true },
};

/** Files of recipes are run without a compiler: a name that is not known here is a slip. */
function requireKnown(what: string, value: object, fields: object, file: string): void {
  const known = Object.keys(fields);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownName(`field of a ${what}`, unknown, known, file);
}

function isCell(value: unknown): value is Table3Cell {
  if (typeof value !== 'object' || value === null) return false;
  const { pair, row, recipe } = value as Partial<Table3Cell>;
  return typeof pair === 'string' && typeof row === 'string' && Array.isArray(recipe?.terms);
}
