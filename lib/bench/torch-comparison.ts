import { median } from 'simple-statistics';
import { LabError } from '../errors';
import { type OnBenchProgress, timeEach, warmUpSteps } from './measure';
import type { Precision } from '../engine/precision';
import type { BenchStep, BenchStepOptions } from './step';
import {
  startTorch,
  type TorchMode,
  torchModes,
  type TorchOptions,
  type TorchProcess,
} from './torch-process';

export interface TorchComparisonOptions extends BenchStepOptions {
  readonly iterations: number;
  readonly torch: TorchOptions & { readonly rounds: number };
  readonly onProgress?: OnBenchProgress;
}

/** One pair of runs in the same minute: medians in milliseconds, and ours divided by PyTorch's. */
export interface Round {
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
type ComparedStep = Pick<BenchStep, 'whole' | 'parameters'>;

/** Steps by which the modes are judged. */
const trialSteps = 5;

/** A running PyTorch in its faster mode. */
export interface FastestTorch extends Pick<TorchComparison, 'mode' | 'modes'> {
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
  requireSameNetworks(step, torch, options);
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
  teacher,
  student,
  batch,
  torch,
  onProgress,
}: TorchComparisonOptions): Promise<FastestTorch> {
  const modes: TorchComparison['modes'][number][] = [];
  let best: (Omit<FastestTorch, 'modes'> & { readonly ms: number }) | undefined;
  let fault: unknown;
  for (const [index, mode] of torchModes.entries()) {
    onProgress?.(`PyTorch ${mode}`, index, torchModes.length);
    let process: TorchProcess | undefined;
    try {
      process = await startTorch(torch, { work: 'step', teacher, student, batch, mode });
      await process.steps(warmUpSteps);
      const ms = median((await process.steps(trialSteps)).ms);
      modes.push({ mode, ms });
      const loser = best === undefined || ms < best.ms ? best?.process : process;
      if (loser !== process) best = { process, mode, ms };
      loser?.stop();
    } catch (error) {
      process?.stop();
      if (!(error instanceof LabError) || error.fault.kind === 'option') {
        best?.process.stop();
        throw error;
      }
      fault = error;
      modes.push({ mode, error: error.fault.found ?? error.fault.what });
    }
  }
  if (best === undefined) throw fault;
  return { process: best.process, mode: best.mode, modes };
}

/** Two different computations must not be compared. */
function requireSameNetworks(
  { parameters }: ComparedStep,
  { parameters: others, version }: TorchProcess,
  { teacher, student }: TorchComparisonOptions,
): void {
  if (parameters.every((count, index) => count === others[index])) return;
  throw new LabError({
    kind: 'model',
    what: 'the networks written in PyTorch are not the same ones',
    where: `${teacher}:${student}`,
    found: `${parameters.join(' and ')} parameters here, ${others.join(' and ')} in PyTorch ${version}`,
    remedy: 'Please report it; take another pair meanwhile',
  });
}
