import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { median } from 'simple-statistics';
import { z } from 'zod';
import type { Precision } from '../engine/precision';
import { lastLines, runProgram } from '../engine/program';
import { engineError, LabError, modelError, optionError } from '../errors';
import { packageRoot } from '../package-root';
import {
  type BenchStep,
  type BenchStepOptions,
  type OnBenchProgress,
  timeEach,
  warmUpSteps,
} from './step';

/** A script in Python that is asked and answers by lines. */
interface PythonLines {
  /**
   * The next line, as JSON of this form.
   *
   * @throws LabError of kind `option` when Python is not there, `engine` when the script ended or said
   *   something else.
   */
  readonly next: <T>(schema: z.ZodType<T>) => Promise<T>;
  readonly write: (line: string) => void;
  readonly stop: () => void;
}

/**
 * Whether a Python starts and has a module, before anything is timed beside it.
 *
 * @param option how it was named: `--torch`
 * @throws LabError of kind `option` for a program that cannot be started or lacks the module.
 */
export async function requirePython(python: string, module: string, option: string): Promise<void> {
  const { status, stderr } = await runProgram(python, ['-c', `import ${module}`]);
  if (status === 0) return;
  throw optionError`this is no Python with ${module} (${option} ${python}): found ${lastLines(stderr, 1) || 'another program'}. Give the path of one that has it, as ${option} ~/venv/bin/python`;
}

/**
 * Starts a script beside this file.
 *
 * @param what names its work in error messages: 'the step in PyTorch'
 */
export function startPython(
  python: string,
  script: string,
  options: Readonly<Record<string, string | number>>,
  what: string,
): PythonLines {
  const file = join(packageRoot(), 'lib', 'bench', script);
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(python, [file, ...given]);
  const nextLine = lineReader(child, python, what);
  return {
    async next(schema) {
      const value = await nextLine();
      const result = schema.safeParse(value);
      if (result.success) return result.data;
      throw failed(what, python, `the answer '${JSON.stringify(value).slice(0, 80)}'`);
    },
    write: (line) => child.stdin.write(`${line}\n`),
    stop: () => child.kill(),
  };
}

/** A function that gives a program's lines of JSON one by one and throws when it ends instead. */
function lineReader(
  child: ChildProcessWithoutNullStreams,
  python: string,
  what: string,
): () => Promise<unknown> {
  let errors = '';
  let startFault: Error | undefined;
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
  child.on('error', (error) => (startFault = error));
  // What it leaves unread when it ends is told by its own words below.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return async () => {
    const { value, done } = await lines.next();
    if (!done) return asJson(value);
    await closed;
    throw startFault === undefined
      ? failed(what, python, lastLines(errors, 3) || 'the end of the program without a word')
      : optionError.because(
          startFault,
        )`Python cannot be started (--torch): found ${startFault.message}. Give the path of a Python that has PyTorch, as --torch ~/venv/bin/python`;
  };
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

function failed(what: string, python: string, found: string): LabError {
  return engineError`${what} failed (${python}): found ${found}. PyTorch 2 is needed; give another Python with --torch, or leave it out`;
}

/** How PyTorch runs a step: operation by operation, or through `torch.compile`. */
const torchModes = ['eager', 'compiled'] as const;
type TorchMode = (typeof torchModes)[number];

export interface TorchOptions {
  /** A Python that has PyTorch. */
  readonly python: string;
  readonly precision: Precision;
  readonly device: 'cpu' | 'cuda';
  readonly threads: number;
}

/** What the script is to compute. */
export type TorchWork =
  | {
      readonly work: 'step';
      readonly teacher: string;
      readonly student: string;
      readonly batch: number;
      readonly mode: TorchMode;
      /** Side of the images and classes, where they are not CIFAR-100's. */
      readonly size?: number;
      readonly classes?: number;
    }
  | {
      readonly work: 'detector';
      readonly teacher: string;
      readonly student: string;
      readonly batch: number;
      readonly mode: TorchMode;
      readonly height: number;
      readonly width: number;
    }
  | { readonly work: 'loss'; readonly batch: number; readonly dimension: number };

/** A step whose mode is still to be chosen. */
export type ComparedWork = WithoutMode<Extract<TorchWork, { readonly mode: TorchMode }>>;
type WithoutMode<T> = T extends unknown ? Omit<T, 'mode'> : never;

const replySchema = z.object({ ms: z.array(z.number()), peakMemoryMiB: z.number() });
const greetingSchema = z.object({ torch: z.string(), parameters: z.array(z.number()) });
const faultSchema = z.object({ error: z.enum(['no torch', 'no model']), detail: z.string() });

/** A running PyTorch that makes steps when it is asked to. */
export interface TorchProcess {
  /** PyTorch's version. */
  readonly version: string;
  /** Trained numbers of the teacher and the student; none for a loss. */
  readonly parameters: readonly number[];
  /** The time of each of so many steps, and the most memory so far. */
  readonly steps: (count: number) => Promise<z.infer<typeof replySchema>>;
  readonly stop: () => void;
}

/**
 * Starts the same work in PyTorch, in a process of its own.
 *
 * @throws LabError of kind `option` when Python or PyTorch is not there or the network is not written
 *   there; of kind `engine`, here or from `steps`, when PyTorch fails.
 */
export async function startTorch(options: TorchOptions, work: TorchWork): Promise<TorchProcess> {
  const { python, precision, device, threads } = options;
  const settings: Record<string, string | number> = { ...work, precision, device, threads };
  const torch = startPython(python, 'torch_step.py', settings, 'the step in PyTorch');
  try {
    const greeting = await torch.next(z.union([faultSchema, greetingSchema]));
    if ('error' in greeting) throw torchFault(greeting, python);
    return {
      version: greeting.torch,
      parameters: greeting.parameters,
      steps(count) {
        torch.write(String(count));
        return torch.next(replySchema);
      },
      stop: torch.stop,
    };
  } catch (error) {
    torch.stop();
    throw error;
  }
}

function torchFault({ error, detail }: z.infer<typeof faultSchema>, python: string): LabError {
  return error === 'no torch'
    ? optionError`this Python has no PyTorch (--torch ${python}): found ${detail}. Install it (${python} -m pip install torch), or give another Python`
    : optionError`this network is not written in PyTorch here (--pair, --detector): found ${detail}. With --torch take a pair of ResNets, wide ResNets, MobileNets, ShuffleNets and base transformers, of detectors r18-fpn to r101-fpn, or leave --torch out`;
}

interface TorchComparisonOptions {
  readonly work: ComparedWork;
  readonly iterations: number;
  readonly torch: TorchOptions & { readonly rounds: number };
  readonly onProgress?: OnBenchProgress;
}

/** The same step as one of ours: its networks, and its images and classes where they are not CIFAR-100's. */
export function comparedWork({ teacher, student, batch, setting }: BenchStepOptions): ComparedWork {
  const images = setting && { size: setting.size, classes: setting.classes };
  return { work: 'step', teacher, student, batch, ...images };
}

/** One pair of runs in the same minute: medians in milliseconds, and ours divided by PyTorch's. */
interface Round {
  readonly ms: number;
  readonly torchMs: number;
  readonly ratio: number;
}

export interface TorchComparison {
  readonly version: string;
  readonly precision: Precision;
  /** The faster of eager and compiled, which is the one compared with. */
  readonly mode: TorchMode;
  /** What each mode took when they were tried; an error where it does not work here. */
  readonly modes: readonly (
    | { readonly mode: TorchMode; readonly ms: number }
    | { readonly mode: TorchMode; readonly error: string }
  )[];
  readonly rounds: readonly Round[];
  /** Median of the rounds' ratios: below 1 this package is the faster one. */
  readonly ratio: number;
  readonly peakMemoryMiB: number;
}

/** What is compared of a step. */
export interface ComparedStep extends Pick<BenchStep, 'parameters'> {
  readonly whole: () => void;
}

/** Steps before a mode is judged, and those by which it is; a detector's take seconds. */
const trials = { step: [warmUpSteps, 5], detector: [2, 3] } as const;

/** A running PyTorch in its faster mode. */
interface FastestTorch extends Pick<TorchComparison, 'mode' | 'modes'> {
  readonly process: TorchProcess;
}

/**
 * Runs a step and the same step in PyTorch turn by turn, so that both see the same machine.
 *
 * @throws LabError when the networks differ or PyTorch fails.
 */
export async function compareWithTorch(
  step: ComparedStep,
  { process: torch, mode, modes }: FastestTorch,
  options: TorchComparisonOptions,
): Promise<TorchComparison> {
  const { iterations, onProgress } = options;
  requireSameNetworks(step, torch, options.work);
  let peakMemoryMiB = 0;
  const rounds: Round[] = [];
  const ours = (): number => median(timeEach(step.whole, iterations));
  const theirs = async (): Promise<number> => {
    const measured = await torch.steps(iterations);
    ({ peakMemoryMiB } = measured);
    return median(measured.ms);
  };
  for (let index = 0; index < options.torch.rounds; index++) {
    // In turn, so that neither always comes after the other.
    const first = index % 2 === 0 ? ours() : undefined;
    const torchMs = await theirs();
    const ms = first ?? ours();
    rounds.push({ ms, torchMs, ratio: ms / torchMs });
    onProgress?.('round with PyTorch', index + 1, options.torch.rounds);
  }
  return {
    version: torch.version,
    precision: options.torch.precision,
    mode,
    modes,
    rounds,
    ratio: median(rounds.map(({ ratio }) => ratio)),
    peakMemoryMiB,
  };
}

/**
 * Tries PyTorch's modes and leaves the fastest one running; the caller stops it.
 *
 * @throws LabError as `startTorch` does, and when no mode works.
 */
export async function startFastestTorch({
  work,
  torch,
  onProgress,
}: Pick<TorchComparisonOptions, 'work' | 'torch' | 'onProgress'>): Promise<FastestTorch> {
  const [warmUps, steps] = trials[work.work];
  const modes: TorchComparison['modes'][number][] = [];
  let best: (Omit<FastestTorch, 'modes'> & { readonly ms: number }) | undefined;
  let fault: unknown;
  for (const [index, mode] of torchModes.entries()) {
    onProgress?.(`PyTorch ${mode}`, index, torchModes.length);
    let process: TorchProcess | undefined;
    try {
      process = await startTorch(torch, { ...work, mode });
      await process.steps(warmUps);
      const ms = median((await process.steps(steps)).ms);
      modes.push({ mode, ms });
      const loser = best === undefined || ms < best.ms ? best?.process : process;
      if (loser !== process) best = { process, mode, ms };
      loser?.stop();
    } catch (error) {
      process?.stop();
      if (!(error instanceof LabError) || error.kind === 'option') {
        best?.process.stop();
        throw error;
      }
      fault = error;
      modes.push({ mode, error: error.problem });
    }
  }
  if (best === undefined) throw fault;
  return { process: best.process, mode: best.mode, modes };
}

/** Two different computations must not be compared. */
export function requireSameNetworks(
  { parameters }: ComparedStep,
  { parameters: others, version }: TorchProcess,
  { teacher, student }: Pick<ComparedWork, 'teacher' | 'student'>,
): void {
  if (parameters.every((count, index) => count === others[index])) return;
  throw modelError`the networks written in PyTorch are not the same ones (${teacher}:${student}): found ${parameters.join(' and ')} parameters here, ${others.join(' and ')} in PyTorch ${version}. Please report it; take another pair meanwhile`;
}
