import { existsSync, readdirSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { basename, join, relative, resolve } from 'node:path';
import type * as tsx from 'tsx/cjs/api';
import { z } from 'zod';
import { fileError, LabError, optionError } from '../lib/errors';

/** The environment variable that names a folder of one's own definitions outside this project. */
const ownDefinitionsVariable = 'NORM_DIRECTION_LAB_RECIPES';

/** What a file defines: cells of the table, and data sets. Nothing is checked of them yet. */
export interface Definition {
  readonly file: string;
  readonly cells: readonly unknown[];
  readonly datasets: readonly unknown[];
}

const exportsSchema = z.looseObject({
  cell: z.unknown().optional(),
  cells: z.array(z.unknown()).optional(),
  dataset: z.unknown().optional(),
  /** A network is known once it is registered; its file may define nothing else. */
  model: z.string().optional(),
});

const load = createRequire(__filename);
const fix =
  'Export `cell` or `cells` (a Table1Cell of norm-direction-lab/recipes), `dataset` (from customSource of norm-direction-lab), or `model` (from its registerModel)';

/** What files of one's own import by name, wherever they lie, and where it is. */
const places = {
  'norm-direction-lab': '../lib/index',
  'norm-direction-lab/notebook': '../lib/notebook/index',
  'norm-direction-lab/recipes': './recipes/index',
  // The one that this package computes with: tensors of another copy would be strangers to it.
  '@tensorflow/tfjs': '@tensorflow/tfjs',
};

/** Node's own, which its types leave out. */
interface Resolver {
  _resolveFilename(request: string, ...others: unknown[]): string;
}

let named = false;

/** Lets a file import this package by its name wherever it lies, and be of TypeScript. */
function prepare(file: string): void {
  // Where this runs from its sources the loader is there already, by the command line.
  if (!file.startsWith(__dirname) && !('.ts' in load.extensions)) {
    (load('tsx/cjs/api') as typeof tsx).register();
  }
  if (named) return;
  named = true;
  const files = new Map(
    Object.entries(places).map(([name, place]) => [name, load.resolve(place)] as const),
  );
  const resolver = Module as unknown as Resolver;
  const resolveFilename = resolver._resolveFilename.bind(Module);
  resolver._resolveFilename = (request, ...others) =>
    files.get(request) ?? resolveFilename(request, ...others);
}

/**
 * Loads every TypeScript or JavaScript file below a folder of this project, where there is one, but for
 * those named `index`; and then those of the user's own folder where the environment names one; in the
 * order of their names.
 *
 * @throws LabError of kind `file` for a folder or file that cannot be read, `option` for a file that
 * defines nothing; each names the file.
 */
export function definitionsBelow(
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Definition[] {
  const own = environment[ownDefinitionsVariable];
  const files = existsSync(folder) ? filesBelow(folder) : [];
  if (own !== undefined && own !== '') files.push(...ownFiles(resolve(own)));
  return files.map(definitionIn);
}

/** The tables whose cells may stand in one folder of the user's. */
export type OwnTable = 'table1' | 'table2' | 'table3';

const ownCell = z.looseObject({
  table: z.enum(['table1', 'table2', 'table3']).optional(),
  recipe: z.unknown().optional(),
});

/** Table 1 unless it says otherwise; a cell of table 3 has one recipe and is told by it. What is no cell is left to the check. */
function tableOf(cell: unknown): OwnTable {
  const parsed = ownCell.safeParse(cell);
  if (!parsed.success) return 'table1';
  return parsed.data.table ?? (parsed.data.recipe === undefined ? 'table1' : 'table3');
}

/**
 * The definitions of a table: those of a folder of this project, and the cells for this table in the user's own.
 *
 * @throws LabError as `definitionsBelow` does.
 */
export function definitionsOf(
  table: OwnTable,
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Definition[] {
  const own = definitionsBelow('', environment).map((definition) => ({
    ...definition,
    cells: definition.cells.filter((cell) => tableOf(cell) === table),
  }));
  return [...definitionsBelow(folder, {}), ...own];
}

/** Does `work`; a LabError that it throws names the file. */
export function namingFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    throw error.in(file);
  }
}

/** Who names a folder has files in it. */
function ownFiles(folder: string): string[] {
  const there = existsSync(folder);
  const files = there ? filesBelow(folder) : [];
  if (files.length > 0) return files;
  throw fileError`a folder of recipes and data sets has no files (${ownDefinitionsVariable}=${folder}): found ${there ? 'no .ts or .js there' : 'no such folder'}. Name the folder of your files, or unset ${ownDefinitionsVariable}`;
}

function filesBelow(folder: string): string[] {
  try {
    return (
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /(?<!\.d)\.[cm]?[jt]s$/.test(entry.name))
        .filter(({ name }) => !/^index\./.test(basename(name)))
        .map(({ parentPath, name }) => join(parentPath, name))
        // What was installed there for an editor and the compiler defines nothing.
        .filter(
          (file) => !/(?:^|[\\/])(?:node_modules|\.[^\\/]+)[\\/]/.test(relative(folder, file)),
        )
        // What the compiler has put beside its source would define everything twice.
        .filter(
          (file, _, all) =>
            !all.includes(file.replace(/\.([cm]?)js$/, '.$1ts')) || file.endsWith('ts'),
        )
        .sort()
    );
  } catch (error) {
    throw unreadable('a folder of recipes and data sets cannot be read', folder, error);
  }
}

function definitionIn(file: string): Definition {
  const { cell, cells = [], dataset, model } = exportsOf(file);
  const all = cell === undefined ? cells : [cell, ...cells];
  if (all.length > 0 || dataset !== undefined || model !== undefined) {
    return { file, cells: all, datasets: dataset === undefined ? [] : [dataset] };
  }
  throw optionError`the file defines nothing (${file}). ${fix}`;
}

function exportsOf(file: string): z.infer<typeof exportsSchema> {
  prepare(file);
  let value: unknown;
  try {
    value = load(file);
  } catch (error) {
    throw unreadable('a file of recipes or data sets cannot be loaded', file, error);
  }
  const { data, error } = exportsSchema.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw optionError`the file exports something else (${[file, ...(issue?.path ?? [])].join(', ')}): found ${issue?.message ?? ''}. ${fix}`;
}

function unreadable(what: string, where: string, error: unknown): LabError {
  const found = error instanceof Error ? error.message : String(error);
  return fileError.because(
    error,
  )`${what} (${where}): found ${found}. Mend it, or move it out of that folder`;
}
