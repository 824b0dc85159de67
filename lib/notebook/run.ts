import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, numericsError, unknownName } from '../errors';
import { writeAtomic } from '../files';
import { packageRoot } from '../package-root';
import { type Kernel, startKernel } from './kernel';
import {
  createOutputCollector,
  type Notebook,
  notebookText,
  type OutputCollector,
  readNotebook,
  sourceOf,
  textLines,
} from './notebook-file';

/** What an execution tells while it goes on. */
interface ExecutionEvents {
  /** Before each code cell; both are counted from 1 and over code cells only. */
  readonly onCell?: (cell: number, cells: number, source: string) => void;
  /** What a cell prints, as it comes. */
  readonly onText?: (text: string, stream: 'stdout' | 'stderr') => void;
}

interface ExecutionOptions extends ExecutionEvents {
  /** Seconds that one cell may take: 600 by default. */
  readonly cellTimeout?: number;
}

/** Milliseconds given to what a notebook has left running, before it counts as done without a fault. */
const settleTime = 500;
const defaultCellTimeout = 600;
/** How the kernel reports what was thrown outside of any cell. */
const lateFault = /^(?:UncaughtException|UnhandledPromiseRejection):.*/mu;

/**
 * Executes a notebook's code cells in order in a fresh kernel and returns the notebook with its outputs.
 * It holds nothing that differs between equal runs: no clock times, cells counted from 1.
 *
 * @throws LabError of kind `numerics` for a cell that fails, throws later or takes too long, of kind
 * `engine` for a kernel that dies. `where` names the notebook and the cell.
 */
export async function executeNotebook(
  notebook: Notebook,
  name: string,
  options: ExecutionOptions = {},
): Promise<Notebook> {
  const collector = createOutputCollector();
  const cellOfRequest = new Map<string, number>();
  const kernel = await startKernel((message) => {
    const cell = cellOfRequest.get(message.parent.msg_id ?? '');
    if (cell === undefined) return;
    collector.add(cell, message);
    const { text, name: stream } = message.content;
    if (message.header.msg_type !== 'stream' || typeof text !== 'string') return;
    options.onText?.(text, stream === 'stderr' ? 'stderr' : 'stdout');
  });
  let language: unknown;
  try {
    const sources = codeCells(notebook).map(sourceOf);
    for (const [index, source] of sources.entries()) {
      options.onCell?.(index + 1, sources.length, source);
      const where = `${name}, code cell ${String(index + 1)}`;
      await executeCell(kernel, source, where, options, (id) => cellOfRequest.set(id, index));
      requireNoFault(collector, sources, name);
    }
    await sleep(settleTime);
    const { content } = await kernel.request('kernel_info_request', {});
    // As JupyterLab has it, so that opening the notebook there changes nothing.
    language = content['language_info'];
    requireNoFault(collector, sources, name);
  } catch (error) {
    throw withKernelOutput(error, collector, cellOfRequest.size - 1, name);
  } finally {
    await kernel.stop();
  }
  return withOutputs(notebook, collector, language);
}

async function executeCell(
  kernel: Kernel,
  code: string,
  where: string,
  { cellTimeout = defaultCellTimeout }: ExecutionOptions,
  onSent: (id: string) => void,
): Promise<void> {
  const timer = new AbortController();
  const request = { code, silent: false, store_history: true, allow_stdin: false };
  let reply;
  try {
    reply = await Promise.race([
      kernel.request('execute_request', request, onSent),
      // The longest that a timer takes.
      sleep(Math.min(cellTimeout * 1000, 2 ** 31 - 1), undefined, { signal: timer.signal }).catch(
        () => undefined,
      ),
    ]);
  } finally {
    // Also when the kernel died: the timer would keep this process.
    timer.abort();
  }
  if (reply === undefined) {
    throw cellFault('a cell takes too long', where, `more than ${String(cellTimeout)} s`);
  }
  if (reply.content['status'] !== 'ok') {
    throw new CellFailure(where);
  }
}

/** A cell whose reply said that it failed; what it wrote about it comes on another channel. */
class CellFailure extends Error {
  constructor(readonly where: string) {
    super('a cell failed');
  }
}

function requireNoFault(
  collector: OutputCollector,
  sources: readonly string[],
  name: string,
): void {
  for (const index of sources.keys()) {
    const text = collector.streamText(index, 'stderr');
    const found = lateFault.exec(text);
    if (found === null) continue;
    const where = `${name}, seen under code cell ${String(index + 1)}`;
    const what = 'something failed after its cell had ended';
    throw cellFault(what, where, faultText(text, found.index));
  }
}

function withKernelOutput(
  error: unknown,
  collector: OutputCollector,
  cell: number,
  name: string,
): unknown {
  if (error instanceof CellFailure) {
    const text = collector.streamText(Math.max(cell, 0), 'stderr');
    return cellFault('a cell failed', error.where, faultText(text, 0));
  }
  if (error instanceof LabError && error.kind === 'engine') {
    const where = cell < 0 ? name : `${name}, code cell ${String(cell + 1)}`;
    return error.in(where);
  }
  return error;
}

/** The error's text up to the frames that are not the reader's. */
function faultText(text: string, start: number): string {
  const lines = text.slice(start).trim().split('\n');
  const kept = lines.filter((line) => !/node:internal|node_modules|\(node:/u.test(line));
  return kept.length === 0 ? 'no message' : kept.slice(0, 12).join('\n');
}

function cellFault(what: string, where: string, found: string): LabError {
  return numericsError`${what} (${where}): found ${found}\n. Open the notebook with npm run lab and run it cell by cell`;
}

function codeCells({ cells }: Notebook): Notebook['cells'] {
  return cells.filter((cell) => cell.cell_type === 'code' && sourceOf(cell).trim() !== '');
}

function withOutputs(notebook: Notebook, collector: OutputCollector, language: unknown): Notebook {
  const executed = codeCells(notebook);
  const cells = notebook.cells.map((cell, index) => {
    const source = textLines(sourceOf(cell));
    const id = cell.id ?? `cell-${String(index + 1)}`;
    if (cell.cell_type !== 'code') return { ...cell, id, source };
    const at = executed.indexOf(cell);
    return {
      cell_type: cell.cell_type,
      id,
      metadata: {},
      source,
      execution_count: at < 0 ? null : at + 1,
      outputs: at < 0 ? [] : collector.outputs(at),
    };
  });
  const { kernelspec } = notebook.metadata;
  return { ...notebook, cells, metadata: { kernelspec, language_info: language } };
}

/** How one notebook went. */
interface NotebookResult {
  readonly name: string;
  readonly seconds: number;
  /** Where the executed copy is; null when it failed, and nothing was written. */
  readonly written: string | null;
  readonly error: LabError | null;
}

interface RunNotebooksEvents {
  readonly onNotebook?: (name: string, index: number, count: number) => void;
  /** What is told of the cells of one notebook. */
  readonly cellEvents?: (name: string) => ExecutionEvents;
  readonly onResult?: (result: NotebookResult) => void;
}

interface RunNotebooksOptions extends RunNotebooksEvents {
  /** Where the executed copies go; over the notebooks themselves by default. */
  readonly output?: string;
  readonly cellTimeout?: number;
  /** How many are executed at once: 1 by default. */
  readonly jobs?: number;
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
 * Executes notebooks one after the other or as many at once as `jobs` says, each in a kernel of its own,
 * and writes each executed copy as soon as it is whole. A notebook that fails is left as it was, and the
 * others still run. The results are in the order of the files.
 */
export async function runNotebooks(
  files: readonly string[],
  options: RunNotebooksOptions = {},
): Promise<NotebookResult[]> {
  const results: NotebookResult[] = [];
  const queue = files.entries();
  const work = async (): Promise<void> => {
    for (const [index, file] of queue) {
      options.onNotebook?.(basename(file), index + 1, files.length);
      const result = await runNotebook(file, options);
      results[index] = result;
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: options.jobs ?? 1 }, work));
  return results;
}

async function runNotebook(
  file: string,
  { output, cellEvents, cellTimeout }: RunNotebooksOptions,
): Promise<NotebookResult> {
  const name = basename(file);
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const settings = { ...cellEvents?.(name), cellTimeout };
    const executed = await executeNotebook(readNotebook(file), name, settings);
    const written = output === undefined ? file : join(output, name);
    writeAtomic(written, notebookText(executed));
    return { name, seconds: seconds(), written, error: null };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { name, seconds: seconds(), written: null, error };
  }
}
