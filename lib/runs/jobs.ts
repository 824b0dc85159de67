import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { graphicsCards } from '../engine/describe';
import { bestDevice, chooseEngine } from '../engine/load';
import { interruptedError, type LabError, optionError, resultsError } from '../errors';
import { interruption } from '../train/interruption';
import { gridInWords, gridState } from './console-reporter';
import type { PlannedRun, RunRecipe } from './plan';

/** How many processes run, and the GPUs that they see, in turn; no GPUs where they run on the CPU. */
export interface JobPlan {
  readonly jobs: number;
  readonly gpus: readonly string[];
}

export interface JobChoice {
  /** Undefined where the user did not say; `auto` is one for each GPU, or one. */
  readonly jobs: number | 'auto' | undefined;
  readonly gpus: readonly string[] | undefined;
}

/**
 * One process a GPU: as many as there are GPUs given, or one. Where several are asked for on a machine
 * with GPUs, each gets its own; where there are fewer, some share one, whose memory they take as they need it.
 */
export async function planJobs(
  { jobs, gpus }: JobChoice,
  visible: () => Promise<readonly string[]> = visibleGpus,
): Promise<JobPlan> {
  if (gpus === undefined && (jobs ?? 1) === 1) return { jobs: 1, gpus: [] };
  const known = gpus ?? (await visible());
  const count = typeof jobs === 'number' ? jobs : Math.max(known.length, 1);
  return { jobs: count, gpus: known.slice(0, count) };
}

/**
 * Reads `0,1,2`, or the identifiers that `nvidia-smi -L` gives.
 *
 * @throws LabError of kind `option` for an empty or repeated one.
 */
export function parseGpus(text: string): string[] {
  const gpus = text.split(',').map((word) => word.trim());
  const isName = (word: string): boolean => /^(\d+|(GPU|MIG)-[\w/-]+)$/.test(word);
  if (gpus.every(isName) && new Set(gpus).size === gpus.length) return gpus;
  throw optionError`a list of different GPUs with commas between them is needed (--gpus): found '${text}'. Write 0,1,2 (nvidia-smi -L lists them)`;
}

/** The GPUs that the engine would use: those that CUDA_VISIBLE_DEVICES leaves, or all of the machine. */
async function visibleGpus(): Promise<readonly string[]> {
  const { engine, device = bestDevice() } = chooseEngine({});
  if (device !== 'gpu' || engine === 'plain') return [];
  const named = process.env['CUDA_VISIBLE_DEVICES'];
  if (named !== undefined) return parseGpus(named);
  return (await graphicsCards()).map((_, index) => String(index));
}

/** Set for a process that this command started: for one of several to its number. */
export const workerVariable = 'NORM_DIRECTION_LAB_WORKER';
/** Exit status after Ctrl-C, as `runCommand` gives it. */
const exitInterrupted = 130;
/** Time between two lines about the whole, in milliseconds. */
const lineInterval = 15_000;

interface WorkerOptions {
  /** Node's own arguments, the program and its arguments; this very command when not given. */
  readonly command?: readonly string[];
  readonly count: number;
  /** Taken in turn; empty where the workers run on the CPU. */
  readonly gpus: readonly string[];
  /** Each line that a worker prints, whole, without its end. */
  readonly onLine: (worker: number, line: string) => void;
  /** Aborting it asks the workers to save and stop. */
  readonly signal: AbortSignal;
  /** Added to the environment of each. */
  readonly env?: NodeJS.ProcessEnv;
}

/** How one worker ended. */
interface WorkerEnd {
  readonly worker: number;
  readonly code: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly lastError: string | undefined;
}

/** Whether this process is one that `runWorkers` started. */
export function isWorker(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment[workerVariable] !== undefined;
}

/**
 * Runs the same command in several processes at once and waits for all of them. When one fails, the
 * others save their run and stop.
 *
 * @throws LabError of kind `interrupted` after the signal, of kind `results` with the first failure.
 */
export async function runWorkers(options: WorkerOptions): Promise<void> {
  const { count, signal } = options;
  const children: ChildProcess[] = [];
  const stopAll = (): void => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGINT');
  };
  signal.addEventListener('abort', stopAll);
  let failure: WorkerEnd | undefined;
  try {
    const ends = Array.from({ length: count }, async (_, index) => {
      const { child, ended } = startWorker(index + 1, options);
      children.push(child);
      const end = await ended;
      // A signal that came before the worker could handle it ends it at once.
      const stopped = end.code === exitInterrupted || (signal.aborted && end.killedBy !== null);
      if (end.code !== 0 && !stopped && failure === undefined) {
        failure = end;
        stopAll();
      }
      return end;
    });
    const all = await Promise.all(ends);
    if (failure) throw failed(failure);
    if (signal.aborted || all.some(({ code }) => code === exitInterrupted)) throw interrupted();
  } finally {
    signal.removeEventListener('abort', stopAll);
  }
}

/** Lets a worker save and stop when the process that started it is gone. */
export function stopWithParent(): void {
  if (!isWorker() || process.channel === undefined) return;
  // Nobody reads these any more then, and a failed write must not end the process before it has saved.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.once('disconnect', () => process.kill(process.pid, 'SIGINT'));
  process.channel.unref();
}

function startWorker(
  worker: number,
  { command = thisCommand(), gpus, onLine, env }: WorkerOptions,
): { child: ChildProcess; ended: Promise<WorkerEnd> } {
  const gpu = gpus[(worker - 1) % gpus.length];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      ...env,
      [workerVariable]: String(worker),
      ...(gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu }),
    },
  });
  let lastError: string | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.startsWith('error: ')) lastError = line.slice('error: '.length);
      onLine(worker, line);
    });
  }
  const ended = async (): Promise<WorkerEnd> => {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { worker, code, killedBy, lastError };
  };
  return { child, ended: ended() };
}

/** Node's arguments for the command of this process. */
export function thisCommand(): string[] {
  return [...process.execArgv, ...process.argv.slice(1)];
}

function failed({ worker, code, killedBy, lastError }: WorkerEnd): LabError {
  return resultsError`job ${worker} failed; the others saved their runs and stopped: found ${lastError ?? (killedBy === null ? `exit status ${code}` : `its end by ${killedBy}`)}. Mend that and run the same command again: it goes on where the jobs stopped`;
}

function interrupted(): LabError {
  return interruptedError`all jobs stopped; everything is saved. Run the same command again to go on from there`;
}

/**
 * Makes a study's runs in several processes of this command and tells how far all of them are.
 *
 * @param plan the runs as they stand on disk now
 * @throws LabError as `runWorkers` does.
 */
export async function runInJobs(
  { jobs, gpus }: JobPlan,
  unit: 'epoch' | 'iteration',
  plan: () => readonly PlannedRun<RunRecipe>[],
  say: (text: string) => void,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const start = gridState(plan());
  const startedAt = performance.now();
  const where = gpus.length > 0 ? ` on GPU ${gpus.join(', ')}` : '';
  say(`${start.runs} runs, ${start.runsDone} of them done; ${jobs} jobs${where}. Ctrl-C saves.`);
  let shown = start.unitsDone;
  const timer = setInterval(() => {
    const now = gridState(plan());
    if (now.unitsDone === shown) return;
    shown = now.unitsDone;
    say(`[all] ${gridInWords(start, now, (performance.now() - startedAt) / 1000, unit)}`);
  }, lineInterval);
  const { signal, release } = interruption(() => {
    say('Stopping: the jobs save their runs first (Ctrl-C again stops at once) …');
  });
  try {
    await runWorkers({
      count: jobs,
      gpus,
      signal,
      env,
      onLine: (worker, line) => say(`[job ${worker}] ${line}`),
    });
  } finally {
    clearInterval(timer);
    release();
  }
}
