import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { packageRoot } from '../../package-root';
import { LabError, unknownName } from '../../errors';
import { writeAtomic } from '../../files';
import { executeNotebook } from './execute';
import type { ExecutionEvents } from './execute';
import { notebookText, readNotebook } from './notebook-file';

/** How one notebook went. */
export interface NotebookResult {
  readonly name: string;
  readonly seconds: number;
  /** Where the executed copy is; null when it failed, and nothing was written. */
  readonly written: string | null;
  readonly error: LabError | null;
}

export interface RunNotebooksEvents {
  readonly onNotebook?: (name: string, index: number, count: number) => void;
  readonly cellEvents?: ExecutionEvents;
  readonly onResult?: (result: NotebookResult) => void;
}

export interface RunNotebooksOptions extends RunNotebooksEvents {
  /** Where the executed copies go; over the notebooks themselves by default. */
  readonly output?: string;
  readonly cellTimeout?: number;
}

/** The folder of the project's notebooks. */
export function notebooksFolder(): string {
  return join(packageRoot(), 'notebooks');
}

/**
 * The files of notebooks named by a name (`03-nd-loss`) or a path; all of the project's in the order of
 * their names when none is named.
 *
 * @throws LabError of kind `option` for an unknown one, with the closest name.
 */
export function findNotebooks(named: readonly string[]): string[] {
  const folder = notebooksFolder();
  const known = readdirSync(folder)
    .filter((file) => file.endsWith('.ipynb'))
    .map((file) => file.slice(0, -'.ipynb'.length))
    .sort();
  if (named.length === 0) return known.map((name) => join(folder, `${name}.ipynb`));
  return named.map((name) => {
    if (name.endsWith('.ipynb') && existsSync(name)) return resolve(name);
    const plain = basename(name, '.ipynb');
    if (!known.includes(plain)) throw unknownName('notebook', name, known);
    return join(folder, `${plain}.ipynb`);
  });
}

/**
 * Executes notebooks one after the other, each in a kernel of its own, and writes each executed copy as
 * soon as it is whole. A notebook that fails is left as it was, and the others still run.
 */
export async function runNotebooks(
  files: readonly string[],
  options: RunNotebooksOptions = {},
): Promise<NotebookResult[]> {
  const results: NotebookResult[] = [];
  for (const [index, file] of files.entries()) {
    options.onNotebook?.(basename(file), index + 1, files.length);
    const result = await runNotebook(file, options);
    results.push(result);
    options.onResult?.(result);
  }
  return results;
}

async function runNotebook(
  file: string,
  { output, cellEvents = {}, cellTimeout }: RunNotebooksOptions,
): Promise<NotebookResult> {
  const name = basename(file);
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const settings = { ...cellEvents, ...(cellTimeout === undefined ? {} : { cellTimeout }) };
    const executed = await executeNotebook(readNotebook(file), name, settings);
    const written = output === undefined ? file : join(output, name);
    writeAtomic(written, notebookText(executed));
    return { name, seconds: seconds(), written, error: null };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { name, seconds: seconds(), written: null, error };
  }
}
