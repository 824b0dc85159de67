import { z } from 'zod';
import { type LabError, optionError, unknownName } from '../../lib/errors';
import { checkTerm, definitionOf, type LossTerm } from '../../lib/distill/term';
import { modelNames } from '../../lib/models/registry';
import { publishedOf } from '../../lib/report/methods';
import { paperTable } from '../../lib/paper';
import { type Definition, namingFile } from '../definitions';
import { everyPair, type RecipeOfPair, type Table1Cell } from './table1-cell';

/** What a file holds, before it is checked. */
export type CellsOfFile = Pick<Definition, 'file' | 'cells'>;

/** A cell, and the file that it stands in. */
export interface CellOfFile {
  readonly file: string;
  readonly cell: Table1Cell;
}

const recipeSchema = z.custom<RecipeOfPair>(
  (value) =>
    typeof value === 'function' ||
    z
      .looseObject({
        terms: z.array(z.looseObject({ loss: z.string(), weight: z.number() })).min(1),
        epochs: z.int().positive(),
        batchSize: z.int().min(2),
        learningRate: z.number().positive(),
        schedule: z.object({}),
        optimiser: z.object({}),
      })
      .safeParse(value).success,
  'not a recipe: build it with paperRecipe([…]) or publishedRecipe([…])',
);

const cellSchema = z.strictObject({
  table: z.enum(['table1', 'table2']).optional(),
  pair: z.string(),
  row: z.string(),
  expected: z.number().nullable().optional(),
  study: z.string().optional(),
  recipes: z
    .record(
      z.string().regex(/^[\w.+-]+$/, 'a method is named with letters, digits and . _ + -'),
      recipeSchema,
    )
    .refine((recipes) => Object.keys(recipes).length > 0, 'there is no recipe in it'),
});

/** @throws LabError of kind `option` that names both files of a cell that has two. */
export function requireOneFileEach(found: readonly { file: string; cell: string }[]): void {
  const files = new Map<string, string>();
  for (const { file, cell } of found) {
    const other = files.get(cell);
    if (other !== undefined) throw secondFile(cell, file, other);
    files.set(cell, file);
  }
}

/**
 * The cells of the files, checked one by one and against each other.
 *
 * @throws LabError of kind `option` that names the file: for a value that is no cell, unknown models,
 * methods or loss terms, and a second file for the same cell.
 */
export function checkedCells(definitions: readonly CellsOfFile[]): CellOfFile[] {
  const found = definitions.flatMap(({ file, cells }) =>
    cells.map((value) => ({ file, cell: checkedCell(value, file) })),
  );
  requireOneFileEach(
    found.flatMap(({ file, cell: { pair, row, recipes } }) =>
      [...new Set([row, ...Object.keys(recipes)])].map((name) => ({
        file,
        cell: `${name} of ${pair}`,
      })),
    ),
  );
  return found;
}

function checkedCell(value: unknown, file: string): Table1Cell {
  const parsed = cellSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw optionError`this is no cell of the table (${file}): found ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}. Table1Cell of norm-direction-lab/recipes says what a cell holds`;
  }
  const cell = parsed.data;
  checkPair(cell.pair, file);
  const rows = paperTable('table1').rows.map(({ method }) => method);
  const known = [cell.row, publishedOf(cell.row)];
  for (const [method, recipe] of Object.entries(cell.recipes)) {
    if (rows.includes(cell.row) && !known.includes(method)) {
      throw unknownName('method', method, known, file);
    }
    if (typeof recipe !== 'function') {
      checkTerms(recipe.terms, file);
    }
    if (method === 'teacher' && (cell.pair === everyPair || typeof recipe === 'function')) {
      throw optionError`a teacher's recipe is one of a pair, whatever its students (${file}): found ${cell.pair === everyPair ? everyPair : 'a function'}. Name a pair of the teacher, and build the recipe with paperRecipe([…]) or publishedRecipe([…])`;
    }
  }
  return cell;
}

/** @throws LabError of kind `option` that names the file of a term or an option that there is not. */
export function checkTerms(terms: readonly LossTerm[], file: string): void {
  namingFile(file, () => {
    terms.forEach((term) => {
      definitionOf(term);
      checkTerm(term);
    });
  });
}

function checkPair(pair: string, file: string): void {
  if (pair === everyPair) return;
  const models = pair.split(':');
  if (models.length !== 2) {
    throw optionError`a pair is a teacher and a student with a colon between them (${file}): found '${pair}'. Write resnet56:resnet20, or ${everyPair} for every pair`;
  }
  for (const model of models) {
    if (!modelNames.includes(model)) throw unknownName('model', model, modelNames, file);
  }
}

function secondFile(cell: string, file: string, other: string): LabError {
  return optionError`two files have a recipe for ${cell} (${file}): found another in ${other}. Keep one of them, or give the new method a name of its own`;
}
