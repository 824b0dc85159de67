import { hashJson } from '../../lib/records';
import { runDirectory } from '../../lib/runs/paths';
import type { Provenance, RunConfig } from '../../lib/runs/schema';
import { type Run, writeConfig, writeProvenance } from '../../lib/runs/store';
import { addLine, type EpochMetrics, epochMetricsForm, readMetrics } from '../../lib/train/metrics';

/** A made-up run: what differs from the others. */
export interface MadeUpRun {
  readonly config?: Partial<RunConfig>;
  readonly provenance?: Partial<Provenance>;
  /** Top-1 on the test images after each epoch. */
  readonly top1: readonly number[];
}

/** The configuration of a quick KD run of resnet20 → resnet8 with some fields changed. */
export function madeUpConfig(changes: Partial<RunConfig> = {}): RunConfig {
  const recipe = changes.recipe ?? { optimiser: { name: 'sgd', learningRate: 0.1 } };
  return {
    study: 'table1',
    scale: 'quick',
    pair: 'resnet20:resnet8',
    teacher: 'resnet20',
    student: 'resnet8',
    method: 'kd',
    seed: 1,
    dataset: 'fashion-mnist',
    epochs: 2,
    batchSize: 128,
    precision: 'f32',
    recipeHash: hashJson(recipe),
    ...changes,
    recipe,
  };
}

/** One epoch's metrics with this top-1. */
export function madeUpMetrics(epoch: number, testTop1: number): EpochMetrics {
  return {
    epoch,
    step: epoch * 78,
    learningRate: 0.1,
    losses: { crossEntropy: 0.5, total: 0.5 },
    // Another number, so that it cannot stand for the test images'.
    trainTop1: testTop1 + 0.75,
    testTop1,
    testTop5: 99,
    testLoss: 0.6,
    studentNorm: 7,
    teacherNorm: 9,
    cosineToClassMean: 0.8,
  };
}

/** Adds an epoch to those that a run's metrics file has. */
export function appendMetrics(directory: string, metrics: EpochMetrics): void {
  addLine(directory, epochMetricsForm, readMetrics(directory).epochs, metrics);
}

/** Provenance of a finished run with some fields changed. */
export function madeUpProvenance(changes: Partial<Provenance> = {}): Provenance {
  return {
    revision: '0123456789abcdef0123456789abcdef01234567',
    dirty: false,
    command: 'npm run reproduce:table1',
    startedAt: '2025-01-01T00:00:00Z',
    endedAt: '2025-01-01T00:10:00Z',
    ended: 'finished',
    versions: { node: '20.19.0' },
    engine: 'native',
    device: 'cpu',
    processor: 'a processor',
    dataHash: 'd'.repeat(64),
    teacherHash: 'e'.repeat(64),
    teacherSource: 'trained here',
    teacherTop1: 91.5,
    classMeansHash: null,
    checkpointHash: null,
    parameters: 78042,
    secondsPerEpoch: [1, 1],
    imagesPerSecond: 1000,
    peakMemoryMiB: 400,
    lastTop1: null,
    bestTop1: null,
    bestEpoch: null,
    error: null,
    ...changes,
  };
}

/** A made-up run in memory, as `readRuns` of the directory `results` would give it. */
export function madeUpRun({ config, provenance, top1 }: MadeUpRun): Run {
  const full = madeUpConfig(config);
  return {
    directory: runDirectory('results', full),
    config: full,
    metrics: top1.map((value, index) => madeUpMetrics(index + 1, value)),
    provenance: madeUpProvenance(provenance),
    problems: [],
  };
}

/** Writes a made-up run below a results directory and returns its own directory. */
export function writeMadeUpRun(root: string, run: MadeUpRun): string {
  const config = madeUpConfig(run.config);
  const directory = runDirectory(root, config);
  writeConfig(directory, config);
  run.top1.forEach((top1, index) => {
    appendMetrics(directory, madeUpMetrics(index + 1, top1));
  });
  writeProvenance(directory, madeUpProvenance(run.provenance));
  return directory;
}
