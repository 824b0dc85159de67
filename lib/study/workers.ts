import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { LabError } from '../errors';

/** Set for a process that `runWorkers` started, to its number. */
const workerVariable = 'NORM_DIRECTION_LAB_WORKER';
/** Exit status after Ctrl-C, as `runCommand` gives it. */
const exitInterrupted = 130;

export interface WorkerOptions {
  /** Node's own arguments, the program and its arguments; this very command when not given. */
  readonly command?: readonly string[];
  readonly count: number;
  /** The GPU of each worker; empty where they run on the CPU. */
  readonly gpus: readonly string[];
  /** Each line that a worker prints, whole, without its end. */
  readonly onLine: (worker: number, line: string) => void;
  /** Aborting it asks the workers to save and stop. */
  readonly signal: AbortSignal;
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
  { command = thisCommand(), gpus, onLine }: WorkerOptions,
): { child: ChildProcess; ended: Promise<WorkerEnd> } {
  const gpu = gpus[worker - 1];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
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

function thisCommand(): string[] {
  return [...process.execArgv, ...process.argv.slice(1)];
}

function failed({ worker, code, killedBy, lastError }: WorkerEnd): LabError {
  return new LabError({
    kind: 'results',
    what: `job ${worker} failed; the others saved their runs and stopped`,
    found: lastError ?? (killedBy === null ? `exit status ${code}` : `its end by ${killedBy}`),
    remedy: 'Mend that and run the same command again: it goes on where the jobs stopped',
  });
}

function interrupted(): LabError {
  return new LabError({
    kind: 'interrupted',
    what: 'all jobs stopped; everything is saved',
    remedy: 'Run the same command again to go on from there',
  });
}
