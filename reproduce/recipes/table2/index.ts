import type { RunConfig } from '../../../lib/runs/schema';
import { type PaperTableName, paperTable } from '../../../lib/paper';
import { type Pair, pairName } from '../../../lib/runs/grid';
import type { TrainingRecipe } from '../../../lib/train/recipe';
import { crossEntropy } from '../../../lib/distill/terms';
import { definitionsBelow } from '../../definitions';
import { torchvisionRecipe } from '../imagenet';
import { type RecipeBook, recipeBook } from '../table1-book';
import { type CellOfFile, checkedCells } from '../table1-check';

/** The paper's ImageNet tables: the main one, larger teachers, vision transformers as teachers, DeiT. */
export const imageNetTables = [
  'table2',
  'scalable-teachers',
  'vit-teachers',
  'deit',
] as const satisfies readonly PaperTableName[];

const deitPair = 'regnety_160:deit_base_distilled_patch16_224';

/** Whose recipes a pair takes that has none of its own: DeiT's rows have a pair of theirs. */
function lenderOf(method: string): string {
  return method.startsWith('deit') ? deitPair : 'resnet34:resnet18';
}

/** The pairs that have recipes of their own, in the tables' order. */
export const paperPairs: readonly string[] = [
  ...new Set(imageNetTables.flatMap((name) => paperTable(name).pairs.map(({ pair }) => pair))),
];

let read: { readonly book: RecipeBook; readonly cells: readonly CellOfFile[] } | undefined;

/** The files of this folder, read when they are first needed: a faulty one is then a clear message. */
function table(): NonNullable<typeof read> {
  if (read === undefined) {
    const cells = checkedCells(definitionsBelow(__dirname, {}));
    const book = recipeBook(cells, {
      pairs: paperPairs,
      lender: lenderOf,
      teacher: torchvisionRecipe([crossEntropy()]),
    });
    read = { book, cells };
  }
  return read;
}

/** What `--methods` takes: the rows that can be run. @throws LabError as `table1Methods` does; so do those below. */
export function table2Methods(): readonly string[] {
  return table().book.methods;
}

/** The recipe of a method on a pair; a pair that the paper does not have takes those of resnet34 → resnet18, or DeiT's. */
export function table2Recipe(pair: Pair, method: string): TrainingRecipe {
  return table().book.recipe(pair, method);
}

/** The recipe of a teacher that is trained here: torchvision's. */
export function table2TeacherRecipe(model: string): TrainingRecipe {
  return table().book.teacher(model);
}

/** Whether a run has the recipe behind the paper's number. */
export function isPaperRecipe(config: RunConfig): boolean {
  return table().book.isPaperRecipe(config);
}

/** Whether a pair has a row: those of the paper have their own ones alone. */
export function hasTable2Cell(pair: Pair, method: string): boolean {
  if (!paperPairs.includes(pairName(pair))) return true;
  return cellOf(pair, method) !== undefined;
}

/** The paper's number of a row in percent, and its name there; null where it prints none. */
export function paperNumberOf(pair: Pair, method: string): number | null {
  const cell = cellOf(pair, method)?.cell;
  if (cell === undefined) return null;
  // Of a row with two recipes the published one is behind the number.
  const published = `${cell.row}-published`;
  const behind = Object.hasOwn(cell.recipes, published) ? published : cell.row;
  return method === behind ? cell.expected : null;
}

/** A line for each pair that takes another's recipes. */
export function borrowingNotes(pairs: readonly Pair[], methods: readonly string[]): string[] {
  return pairs.flatMap((pair) => {
    const borrowed = table().book.borrowed(pair, methods);
    return [...new Set(borrowed.map(lenderOf))].map((lender) => {
      const rows = borrowed.filter((method) => lenderOf(method) === lender);
      return `${pairName(pair)} takes the recipes of ${lender} for ${rows.join(', ')}.`;
    });
  });
}

function cellOf(pair: Pair, method: string): CellOfFile | undefined {
  const name = pairName(pair);
  return table().cells.find(
    ({ cell }) => cell.pair === name && Object.hasOwn(cell.recipes, method),
  );
}
