import { join } from 'node:path';
import { sum } from 'simple-statistics';
import { loadDataset } from '../data/registry';
import type { ImageDataset, ImageSplit } from '../data/source';
import { crossEntropy, dkd, kd, type LossTerm, normDirection } from '../distill/terms';
import { random } from '../engine/random';
import { createModel, modelName } from '../models/registry';
import { hashStateDict } from '../nn/state';
import { inTemporaryFolder } from '../processes';
import { trainClassifier } from '../train/classifier';
import { openTeacherMemory, type TeacherMemory } from '../train/teacher-memory';
import type { OnBenchProgress } from './step';

export interface MemoryGridOptions {
  readonly teacher: string;
  readonly student: string;
  readonly batch: number;
  readonly epochs: number;
  readonly seeds: number;
  readonly onProgress?: OnBenchProgress;
}

/** A small grid of trainings from one teacher, trained twice. */
export interface MemoryGrid {
  readonly runs: number;
  readonly images: number;
  readonly withoutSeconds: number;
  readonly withSeconds: number;
  /** Share of the views that were remembered when they were asked for. */
  readonly remembered: number;
  /** With divided by without, of the runs of each seed together. */
  readonly ratios: readonly number[];
  /** Whether every student ended with the same weights to the bit. */
  readonly same: boolean;
}

const batchesAnEpoch = 4;
const testImages = 16;

const nd = normDirection({ weight: 2 });
/** KD, DKD and the two with ND. */
const methods: readonly (readonly [string, readonly LossTerm[]])[] = [
  ['kd', [crossEntropy(), kd()]],
  ['kd++', [crossEntropy(), kd(), nd]],
  ['dkd', [crossEntropy(), dkd()]],
  ['dkd++', [crossEntropy(), dkd(), nd]],
];

/**
 * Trains four methods with some seeds from one teacher on a few of the embedded images, each without the teacher's
 * memory and with the one that the runs before have filled, in turn.
 */
export function benchmarkMemoryGrid(options: MemoryGridOptions): Promise<MemoryGrid> {
  return inTemporaryFolder('memory-grid', async (folder) => {
    const dataset = fewOf(await loadDataset('fashion-mnist'), options.batch * batchesAnEpoch);
    const classes = dataset.classes.length;
    const teacher = createModel(modelName(options.teacher), { classes, seed: 2 });
    const size = teacher.embeddingSize;
    const draw = random(0, 'benchmark');
    const classMeans = Float32Array.from({ length: classes * size }, draw.uniform);
    const memory = openTeacherMemory({
      folder,
      key: {
        ...{ teacher: 'benchmark', data: dataset.hash, precision: '', engine: '' },
        ...{ images: dataset.train.count, size },
      },
      onNotice: (notice) => process.stderr.write(`bench: ${notice}\n`),
    });
    const run = async (
      name: string,
      terms: readonly LossTerm[],
      seed: number,
      known: TeacherMemory | undefined,
    ): Promise<{ seconds: number; hash: string }> => {
      const student = createModel(modelName(options.student), { classes, seed });
      const started = performance.now();
      try {
        await trainClassifier({
          directory: join(folder, `${name}-${seed}-${known ? 'with' : 'without'}`),
          ...{ recipeHash: 'benchmark', seed, student, dataset },
          checkpointEvery: 1_000_000,
          teacher: { model: teacher, classMeans, memory: known },
          recipe: {
            ...{ student: options.student, method: { name, terms }, epochs: options.epochs },
            ...{ batchSize: options.batch, learningRate: 0.01, augmentation: 'pad-crop-flip' },
            schedule: { kind: 'step', milestones: [], factor: 0.1 },
            optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
          },
        });
        const seconds = (performance.now() - started) / 1000;
        return { seconds, hash: hashStateDict(student.stateDict()) };
      } finally {
        student.dispose();
      }
    };
    const seeds: { readonly with: number; readonly without: number }[] = [];
    let same = true;
    let done = 0;
    try {
      for (let seed = 1; seed <= options.seeds; seed++) {
        const ofSeed = { with: 0, without: 0 };
        for (const [name, terms] of methods) {
          options.onProgress?.('run', done, options.seeds * methods.length);
          const without = await run(name, terms, seed, undefined);
          const known = await run(name, terms, seed, memory);
          ofSeed.without += without.seconds;
          ofSeed.with += known.seconds;
          same &&= known.hash === without.hash;
          done++;
        }
        seeds.push(ofSeed);
      }
      const { remembered, asked } = memory.counts;
      return {
        runs: done,
        images: dataset.train.count,
        withoutSeconds: sum(seeds.map(({ without }) => without)),
        withSeconds: sum(seeds.map((seed) => seed.with)),
        remembered: remembered / Math.max(1, remembered + asked),
        ratios: seeds.map((seed) => seed.with / seed.without),
        same,
      };
    } finally {
      memory.dispose();
      teacher.dispose();
    }
  });
}

/** A data set of its first images. */
function fewOf(dataset: ImageDataset, images: number): ImageDataset {
  const { height, width, train, test } = dataset;
  const first = (split: ImageSplit, count: number): ImageSplit => ({
    images: split.images.subarray(0, count * height * width * 3),
    labels: split.labels.subarray(0, count),
    count,
  });
  return { ...dataset, train: first(train, images), test: first(test, testImages) };
}
