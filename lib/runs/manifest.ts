import { LabError, optionError } from '../errors';
import { readBytes } from '../files';
import { type Cell, type Pair, pairName, parseMethods, parseSeeds } from './grid';
import { type PlannedRun, type RunRecipe, teacherMethod } from './plan';

/** The first line of a manifest; each other one is a run. */
const columns = 'pair,method,seed';

/** Cells as CSV: `resnet56:resnet20,kd++,1`. */
export function manifestOf(cells: readonly Cell[]): string {
  const rows = cells.map((cell) => `${pairName(cell)},${cell.method},${cell.seed}`);
  return [columns, ...rows].map((line) => `${line}\n`).join('');
}

/**
 * Reads a manifest.
 *
 * @param parsePairs of the table, which knows its networks
 * @param known the methods of the table
 * @throws LabError that names the file and the line.
 */
export function readManifest(
  file: string,
  parsePairs: (text: string) => Pair[],
  known: readonly string[],
): Cell[] {
  const fix = `Write ${columns} and a run a line, as --list --missing does`;
  const [head, ...lines] = readBytes(file, fix)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/);
  if (head !== columns) {
    throw optionError`a manifest begins with the names of its columns (--manifest ${file}): found '${head}'. ${fix}`;
  }
  if (lines.length === 0) {
    throw optionError`the manifest has no runs (--manifest ${file}): found its head alone. Where --list --missing wrote it, nothing is left to run: --render shows the table`;
  }
  const seen = new Set<string>();
  return lines.map((line, index) => {
    const where = `${file}, line ${index + 2}`;
    const [pair = '', method = '', seed = '', ...rest] = line.split(',').map((word) => word.trim());
    if (rest.length > 0 || seed === '' || seen.has(`${pair} ${method} ${Number(seed)}`)) {
      throw optionError`a line of a manifest is a pair, a method and a seed, once (${where}): found '${line}'. ${fix}`;
    }
    seen.add(`${pair} ${method} ${Number(seed)}`);
    try {
      const [named] = parsePairs(pair) as [Pair];
      parseMethods(method, [teacherMethod, ...known]);
      return { ...named, method, seed: parseSeeds(seed)[0] ?? NaN };
    } catch (error) {
      throw error instanceof LabError ? error.in(where) : error;
    }
  });
}

/** The row of a manifest that a task of an array has, counted from 0 as Kubernetes does. */
export function rowOf(cells: readonly Cell[], text: string): Cell {
  const cell = /^\d+$/.test(text) ? cells[Number(text)] : undefined;
  if (cell !== undefined) return cell;
  throw optionError`the manifest has no such run (--index): found '${text}' of ${cells.length} runs, counted from 0. Give 0 to ${cells.length - 1}`;
}

/**
 * What a table still needs: the cells whose run is not recorded as finished, with or without its weights, and
 * before them the teachers that must be trained for these.
 */
export function missingCells<Recipe extends RunRecipe>(
  runs: readonly PlannedRun<Recipe>[],
  cells: readonly Cell[],
): Cell[] {
  const missing = runs.filter(({ finished }) => !finished);
  const wanted = new Set(missing.map(({ teacher }) => teacher));
  return runs
    .filter((run) => missing.includes(run) || (wanted.has(run.student) && isUntrained(run)))
    .map(({ kind, pair, method, seed, student }) => {
      const cell = cells.find((one) =>
        kind === 'teacher' ? one.teacher === student : pairName(one) === pair,
      );
      if (cell === undefined) throw new Error(`no cell of the grid is ${pair}`);
      return { teacher: cell.teacher, student: cell.student, method, seed };
    });
}

/** A teacher whose weights are not here, without which no student can be taught. */
const isUntrained = ({ kind, finished, recordOnly }: PlannedRun<RunRecipe>): boolean =>
  kind === 'teacher' && (!finished || recordOnly === true);
