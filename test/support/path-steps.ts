import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { loadDataset } from '../../lib/data/registry';
import type { ThreadRequest } from '../../lib/data/imagenet/thread';
import { crd, crossEntropy, kd, normDirection, sifn } from '../../lib/distill/terms';
import { functionBackend } from '../../lib/engine/functions/function-definition';
import { startEngine } from '../../lib/engine/load';
import { createModel } from '../../lib/models/registry';
import { trainClassifier } from '../../lib/train/classifier';
import { temporaryFolder } from '../../lib/processes';

/** Each named by what is tried in it. */
const trainings = {
  sgd: {
    terms: [crossEntropy(), kd(), normDirection({ weight: 2 })],
    learningRate: 0.01,
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
  },
  // Each sample is met twice: what is remembered of it counts.
  'adamw and memories': {
    terms: [crossEntropy(), sifn({ previousNorm: 'lastVisit' }), crd({ negatives: 8, size: 16 })],
    learningRate: 1e-3,
    optimiser: { kind: 'adamw', betas: [0.9, 0.999], weightDecay: 0.05 },
  },
} as const;

export type PathTraining = keyof typeof trainings;

/** What a training of some steps on embedded images was made of. */
export interface PathSteps {
  /** Of each step. */
  readonly losses: readonly number[];
  /** Reads from the device up to the loss of each step, counted from the loss before. */
  readonly reads: readonly number[];
  /** Names of the operations that TensorFlow was given; those of functions are numbered. */
  readonly operations: readonly string[];
  /** How many threads made batches so far, and how many batches these were. */
  readonly threads: number;
  readonly batchesOfThreads: number;
  readonly top1: number;
}

/** Every batch that was asked of a thread, as the thread that was asked. */
const asked: Worker[] = [];
const post = Object.getOwnPropertyDescriptor(Worker.prototype, 'postMessage')?.value as (
  ...message: unknown[]
) => void;
Worker.prototype.postMessage = function (this: Worker, ...message: unknown[]) {
  const [request] = message as [Partial<ThreadRequest>];
  if (request.job?.kind === 'drawn') asked.push(this);
  post.apply(this, message);
};

/** A program of its own, since a process takes one path: trains in eight steps each and prints what was seen as JSON. */
async function main(): Promise<void> {
  await startEngine({ engine: 'native' });
  const seen: Record<string, PathSteps> = {};
  for (const [name, training] of Object.entries(trainings)) seen[name] = await stepsOf(training);
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}

async function stepsOf({
  terms,
  learningRate,
  optimiser,
}: (typeof trainings)[PathTraining]): Promise<PathSteps> {
  const whole = await loadDataset('fashion-mnist');
  const first = (split: typeof whole.train, count: number): typeof whole.train => ({
    images: split.images.slice(0, (split.images.length / split.count) * count),
    labels: split.labels.slice(0, count),
    count,
  });
  const dataset = { ...whole, train: first(whole.train, 64), test: first(whole.test, 64) };
  const student = createModel('resnet8', { classes: 10, seed: 1 });
  const teacher = createModel('resnet14', { classes: 10, seed: 2 });
  const backend = functionBackend();
  const { binding } = backend;
  const operations = new Set<string>();
  let read = 0;
  const askedBefore = asked.length;
  const executeOp: typeof binding.executeOp = (name, ...rest) => {
    operations.add(name);
    return binding.executeOp(name, ...rest);
  };
  const tensorDataSync: typeof binding.tensorDataSync = (id) => {
    read++;
    return binding.tensorDataSync(id);
  };
  // The binding's own methods cannot be replaced.
  backend.binding = Object.create(binding, {
    executeOp: { value: executeOp },
    tensorDataSync: { value: tensorDataSync },
  }) as typeof binding;
  const losses: number[] = [];
  const reads: number[] = [];
  let top1 = NaN;
  const directory = temporaryFolder('path-steps');
  try {
    await trainClassifier({
      recipe: {
        student: 'resnet8',
        method: { name: 'tried', terms },
        epochs: 2,
        batchSize: 16,
        learningRate,
        schedule: { kind: 'step', milestones: [], factor: 1 },
        optimiser,
        augmentation: 'pad-crop-flip',
      },
      recipeHash: 'recipe',
      student,
      teacher: {
        model: teacher,
        classMeans: Float32Array.from({ length: 10 * 64 }, (_, i) => (i % 7) / 7),
        embeddingNorm: 1,
      },
      dataset,
      seed: 1,
      directory,
      onBatch({ loss }) {
        losses.push(loss);
        reads.push(read);
        read = 0;
      },
      onEpoch: ({ testTop1 }) => void (top1 = testTop1),
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
    backend.binding = binding;
  }
  return {
    losses,
    reads,
    operations: [...operations],
    threads: new Set(asked).size,
    batchesOfThreads: asked.length - askedBefore,
    top1,
  };
}

void main();
