import { median } from 'simple-statistics';
import { augmentedViews } from '../data/batches';
import { random } from '../engine/random';
import { inTemporaryFolder } from '../processes';
import { openTeacherMemory } from '../train/teacher-memory';
import {
  type BenchStep,
  type BenchStepOptions,
  type BenchViews,
  createBenchStep,
  type OnBenchProgress,
  timeEach,
  warmUpSteps,
} from './step';
import { comparedWork, requireSameNetworks, startFastestTorch, type TorchOptions } from './torch';

export interface MemoryBenchmarkOptions extends Omit<
  BenchStepOptions,
  'eager' | 'setting' | 'memory'
> {
  /** Steps of each kind that count, in each round. */
  readonly iterations: number;
  readonly rounds: number;
  /** Also run the whole step in PyTorch, in turn. */
  readonly torch?: TorchOptions;
  readonly onProgress?: OnBenchProgress;
}

/** Medians of one round, in milliseconds. */
export interface MemoryRound {
  /** A step whose teacher is asked. */
  readonly withoutMs: number;
  /** A step whose views are all remembered. */
  readonly filledMs: number;
  /** A step none of whose views are, so that the teacher is asked and its answers are kept. */
  readonly fillingMs: number;
  /** Reading a batch's embeddings. */
  readonly recallMs: number;
  readonly torchMs?: number;
}

export interface MemoryBenchmark {
  readonly rounds: readonly MemoryRound[];
  /** Of PyTorch, with `torch`. */
  readonly version?: string;
}

/** Of CIFAR: the slots of a batch lie as far apart in the file as in training. */
const trainingImages = 50_000;
/** Batches whose views are remembered, taken one after the other. */
const rememberedBatches = 8;

/**
 * Times a KD++ step with a teacher's memory that knows all views of a batch, with one that knows none, and without
 * one, in turn. The file is a training's in size, but sparse: the system holds the read part of it in memory.
 *
 * @throws LabError for an unknown model; with `torch` also when PyTorch cannot make the same step.
 */
export function benchmarkMemory(options: MemoryBenchmarkOptions): Promise<MemoryBenchmark> {
  const { iterations, rounds, torch, onProgress } = options;
  return inTemporaryFolder('teacher-memory', async (folder) => {
    const work = comparedWork(options);
    const rival =
      torch && (await startFastestTorch({ work, torch: { ...torch, rounds }, onProgress }));
    const step = createBenchStep({
      ...options,
      memory: ({ size }) =>
        openTeacherMemory({
          folder,
          key: { ...keyOfBenchmark, size },
          onNotice: (notice) => process.stderr.write(`bench: ${notice}\n`),
        }),
    });
    try {
      if (rival) requireSameNetworks(step, rival.process, work);
      const measured: MemoryRound[] = [];
      const takers = stepTakers(step, options.batch);
      for (const take of Object.values(takers)) timeEach(take, warmUpSteps);
      for (let round = 0; round < rounds; round++) {
        onProgress?.('round', round, rounds);
        const theirs = await rival?.process.steps(iterations);
        measured.push({
          ...roundOf(takers, iterations, round),
          ...(theirs ? { torchMs: median(theirs.ms) } : {}),
        });
      }
      return { rounds: measured, ...(rival ? { version: rival.process.version } : {}) };
    } finally {
      rival?.process.stop();
      step.dispose();
    }
  });
}

const keyOfBenchmark = {
  ...{ teacher: 'benchmark', data: 'random numbers', precision: '', engine: '' },
  images: trainingImages,
};

type Takers = Readonly<Record<'withoutMs' | 'filledMs' | 'fillingMs' | 'recallMs', () => void>>;

function stepTakers(step: BenchStep, batch: number): Takers {
  const views = viewsInTurn(batch);
  const known = Array.from({ length: rememberedBatches }, views);
  known.forEach((each) => step.whole(each));
  let turn = 0;
  const next = (): BenchViews => known[turn++ % known.length] ?? views();
  return {
    withoutMs: () => step.whole(),
    filledMs: () => step.whole(next()),
    fillingMs: () => step.whole(views()),
    recallMs: () => step.recall(next()),
  };
}

/** The first kind is another one in each round, and so is the one after PyTorch. */
function roundOf(takers: Takers, iterations: number, round: number): MemoryRound {
  const kinds = ['withoutMs', 'filledMs', 'fillingMs', 'recallMs'] as const;
  const times = { withoutMs: NaN, filledMs: NaN, fillingMs: NaN, recallMs: NaN };
  kinds.forEach((_, place) => {
    const kind = kinds[(place + round) % kinds.length] ?? 'withoutMs';
    times[kind] = median(timeEach(takers[kind], iterations));
  });
  return times;
}

/** Batches of views that were not given before. */
function viewsInTurn(batch: number): () => BenchViews {
  const draw = random(0, 'benchmark', 'views');
  const given = new Set<number>();
  return () => {
    const places: number[] = [];
    while (places.length < batch) {
      const place = draw.integer(trainingImages * augmentedViews);
      if (given.has(place)) continue;
      given.add(place);
      places.push(place);
    }
    return {
      indices: Int32Array.from(places, (place) => Math.floor(place / augmentedViews)),
      views: Int32Array.from(places, (place) => place % augmentedViews),
    };
  };
}
