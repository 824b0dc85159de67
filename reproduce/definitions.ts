import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { fileError, LabError, optionError } from '../lib/errors';

/** The environment variable that names a folder of one's own definitions outside this project. */
export const ownDefinitionsVariable = 'NORM_DIRECTION_LAB_RECIPES';

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
});

const load = createRequire(__filename);
const remedy =
  'Export `cell` or `cells` (see reproduce/recipes/table1-cell.ts), or `dataset` (see reproduce/datasets/index.ts)';

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
  const folders = existsSync(folder) ? [folder] : [];
  if (own !== undefined && own !== '') folders.push(resolve(own));
  return folders.flatMap(filesBelow).map(definitionIn);
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

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /(?<!\.d)\.[cm]?[jt]s$/.test(entry.name))
      .filter(({ name }) => !/^index\./.test(basename(name)))
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort();
  } catch (error) {
    throw unreadable('a folder of recipes and data sets cannot be read', folder, error);
  }
}

function definitionIn(file: string): Definition {
  const { cell, cells = [], dataset } = exportsOf(file);
  const all = cell === undefined ? cells : [cell, ...cells];
  if (all.length > 0 || dataset !== undefined) {
    return { file, cells: all, datasets: dataset === undefined ? [] : [dataset] };
  }
  throw optionError`the file defines nothing (${file}). ${remedy}`;
}

function exportsOf(file: string): z.infer<typeof exportsSchema> {
  try {
    return exportsSchema.parse(load(file));
  } catch (error) {
    throw unreadable('a file of recipes or data sets cannot be loaded', file, error);
  }
}

function unreadable(what: string, where: string, error: unknown): LabError {
  const found = error instanceof Error ? error.message : String(error);
  return fileError.because(
    error,
  )`${what} (${where}): found ${found}. Mend it, or move it out of that folder`;
}
