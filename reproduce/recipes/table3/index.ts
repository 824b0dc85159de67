import type { LossTerm } from '../../../lib/distill/terms';
import { LabError, unknownName } from '../../../lib/errors';
import { paperTable } from '../../../lib/paper';
import {
  type DetectionRecipe,
  detectorForm,
  isSmall,
  smallRecipe,
  type SmallRecipeOptions,
} from '../../../lib/runs/detection-recipe';
import { type Pair, pairName } from '../../../lib/runs/grid';
import { type Definition, definitionsBelow } from '../../definitions';
import { detectronRecipe, publishedTeacherRecipe } from '../coco';
import type { Table3Cell, Table3Recipe } from '../table3-cell';

/** A pair that has no recipes of its own takes this one's loss terms. */
export const lender = 'r101-fpn:r18-fpn';

const teacherRow = 'teacher';

/** The rows in the table's order; others follow. */
const rowOrder = ['student', 'kd', 'reviewkd', 'dkd', 'kd++', 'reviewkd++'];

/** The paper's pairs, in its order. */
export const paperPairs: readonly string[] = paperTable('table3').pairs.map(({ pair }) => pair);

let read: readonly Table3Cell[] | undefined;

/** The cells of this folder's files, and of the user's own, read when they are first needed. */
function cells(): readonly Table3Cell[] {
  read ??= definitionsBelow(__dirname, {}).flatMap(cellsOf);
  return read;
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
export function borrowingNotes(pairs: readonly Pair[], methods: readonly string[]): string[] {
  return pairs.flatMap((pair) => {
    const name = pairName(pair);
    const own = cells().filter((cell) => cell.pair === name);
    const borrowed = methods.filter(
      (method) =>
        method !== 'student' && method !== teacherRow && !own.some(({ row }) => row === method),
    );
    return borrowed.length === 0
      ? []
      : [`${name} takes the loss weights of ${lender} for ${borrowed.join(', ')}.`];
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
    cells().find((cell) => cell.pair === lender && cell.row === method);
  if (found !== undefined) return found;
  if (method === 'student') {
    return { pair: name, row: method, expected: null, recipe: detectronRecipe([]) };
  }
  throw unknownName('method', method, table3Methods(), '--methods');
}

/** The cells of a file, after a look at their form: the compiler has checked the project's own. */
function cellsOf({ file, cells: values }: Definition): Table3Cell[] {
  return values.map((value) => {
    if (isCell(value)) return value;
    throw new LabError({
      kind: 'option',
      what: 'a file of recipes does not export a cell of table 3',
      where: file,
      remedy: 'Export `cell`, see reproduce/recipes/table3-cell.ts',
    });
  });
}

function isCell(value: unknown): value is Table3Cell {
  if (typeof value !== 'object' || value === null) return false;
  const { pair, row, recipe } = value as Partial<Table3Cell>;
  return typeof pair === 'string' && typeof row === 'string' && Array.isArray(recipe?.terms);
}
