import { median } from 'simple-statistics';
import type { PartTime } from '../detection/stopwatch';
import { peakMemoryMiB } from '../environment';
import {
  type BenchStep,
  type BenchStepOptions,
  createBenchStep,
  type OnBenchProgress,
  summarise,
  timeEach,
  type TimeSummary,
  warmUpSteps,
} from './step';
import {
  comparedWork,
  compareWithTorch,
  startFastestTorch,
  type TorchComparison,
  type TorchOptions,
} from './torch';

interface StepBenchmarkOptions extends BenchStepOptions {
  /** Steps that count; a few more come before them. */
  readonly iterations: number;
  /** Also time every operation, in steps of their own. */
  readonly profile?: boolean;
  /** Also run the same step in PyTorch, turn by turn. */
  readonly torch?: TorchOptions & { readonly rounds: number };
  readonly onProgress?: OnBenchProgress;
}

/** Medians over the counted steps, in milliseconds. */
export interface StepBenchmark extends TimeSummary {
  readonly imagesPerSecond: number;
  /** The teacher's forward pass, timed alone. */
  readonly teacherMs: number;
  /** The rest of a step: the student's forward and backward pass and the losses. */
  readonly studentMs: number;
  /** The optimiser, timed alone. */
  readonly optimizerMs: number;
  /** Of this process, before PyTorch or a profile ran. */
  readonly peakMemoryMiB: number;
  /** With `profile`: of steps whose operations run one by one, not as functions, and are timed. */
  readonly operations?: readonly PartTime[];
  /** What such a step took. */
  readonly eagerMs?: number;
  readonly torch?: TorchComparison;
}

/**
 * Times training steps on random images, KD++'s at 32 × 32 with 100 classes unless a setting is given.
 *
 * @throws LabError for an unknown model; with `torch` also when PyTorch cannot make the same step.
 */
export async function benchmarkStep(options: StepBenchmarkOptions): Promise<StepBenchmark> {
  const { iterations, profile = false, torch, onProgress } = options;
  // PyTorch first: what is wrong with it shows before anything is timed.
  const compared = torch && { iterations, torch, onProgress, work: comparedWork(options) };
  const rival = compared && (await startFastestTorch(compared));
  const step = createBenchStep(options);
  try {
    timeEach(step.whole, warmUpSteps, (done) => onProgress?.('warming up', done, warmUpSteps));
    const measured = measure(step, options);
    const profiled = profile ? step.profile(iterations) : undefined;
    return {
      ...measured,
      operations: profiled?.operations,
      eagerMs: profiled?.ms,
      ...(rival && compared ? { torch: await compareWithTorch(step, rival, compared) } : {}),
    };
  } finally {
    rival?.process.stop();
    step.dispose();
  }
}

function measure(
  step: BenchStep,
  { batch, iterations, onProgress }: StepBenchmarkOptions,
): StepBenchmark {
  // Its own function is made after some passes, apart from the step's.
  timeEach(step.teacher, warmUpSteps);
  const times = (what: string, work: () => void): number[] =>
    timeEach(work, iterations, (done) => onProgress?.(what, done, iterations));
  const whole = summarise(times('step', step.whole));
  const teacherMs = median(times('teacher', step.teacher));
  const optimizerMs = median(times('optimiser', step.optimiser));
  return {
    ...whole,
    imagesPerSecond: (1000 * batch) / whole.ms,
    teacherMs,
    studentMs: whole.ms - teacherMs - optimizerMs,
    optimizerMs,
    peakMemoryMiB: peakMemoryMiB(),
  };
}
