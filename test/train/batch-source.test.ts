import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { computeClassMeans, computeClassMeansOver } from '../../lib/distill/class-means';
import type { BatchSignals } from '../../lib/distill/term';
import {
  crossEntropy,
  type LossTerm,
  mixedNormDirection,
  normDirection,
  softCrossEntropy,
} from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/state';
import {
  type BatchSource,
  inMemorySource,
  type TrainingBatch,
  type TrainingData,
} from '../../lib/train/batch-source';
import { type ClassifierTraining, trainClassifier } from '../../lib/train/classifier';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { firstTerm, knownDataset } from '../support/known-network';
import { numbered, run, stopAfter, trainingCalls } from '../support/known-run';

const dataset = smallDataset();

/** A source that is no data set in memory, as an image folder is; with mixed images if asked for. */
function readAsItGoes({ mixed = false } = {}): BatchSource {
  const memory = inMemorySource(dataset);
  return {
    ...memory,
    async *trainingBatches(at) {
      for await (const batch of memory.trainingBatches({ ...at, augmentation: 'none' })) {
        yield mixed ? withMix(batch, at.epoch) : batch;
      }
    },
  };
}

function withMix(batch: TrainingBatch, epoch: number): TrainingBatch {
  const rows = Array.from({ length: batch.count }, (_, row) => row);
  return {
    ...batch,
    mix: {
      partner: Int32Array.from(rows, (row) => batch.count - 1 - row),
      lambda: Float32Array.from(rows, () => 0.6 + epoch / 10),
    },
  };
}

function recipeWith(
  terms: readonly LossTerm[],
  changes: Partial<TrainingRecipe> = {},
): TrainingRecipe {
  return {
    student: 'resnet8',
    method: { name: 'test', terms },
    epochs: 2,
    batchSize: 16,
    learningRate: 0.05,
    schedule: { kind: 'step', milestones: [1], factor: 0.1 },
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
    augmentation: 'none',
    ...changes,
  };
}

/** All that a DeiT recipe has, on a small scale. */
const everything = recipeWith([softCrossEntropy(), mixedNormDirection({ weight: 1.5 })], {
  augmentation: 'deit',
  learningRate: 0.01,
  schedule: { kind: 'cosine', warmUpEpochs: 1, over: 'epochs after the warm-up', by: 'step' },
  optimiser: { kind: 'adamw', betas: [0.9, 0.95], weightDecay: 0.3 },
  microBatch: 6,
  clipNorm: 1,
  weightAverage: { decay: 0.8 },
});

/** Trains in a folder; the student's hash and the metrics as written. */
async function trainIn(
  directory: string,
  data: TrainingData,
  recipe: TrainingRecipe,
  options: Partial<ClassifierTraining> = {},
): Promise<{ hash: string; metrics: string }> {
  const student = createModel('resnet8', { classes: 4, seed: 1 });
  const teacher = createModel('resnet8x4', { classes: 4, seed: 9 });
  const classMeans = Float32Array.from({ length: 4 * 256 }, (_, i) => (i % 7) / 7);
  try {
    await trainClassifier({
      recipe,
      recipeHash: 'recipe',
      student,
      teacher: { model: teacher, classMeans, embeddingNorm: 1 },
      dataset: data,
      seed: 1,
      directory,
      ...options,
    });
    const metrics = readFileSync(join(directory, 'metrics.jsonl'), 'utf8');
    return { hash: hashStateDict(student.stateDict()), metrics };
  } finally {
    student.dispose();
    teacher.dispose();
  }
}

describe('training from a source of batches', () => {
  withEngine('native');
  const folder = withFolder();

  it('gives the bytes that the same images in memory give', async () => {
    const recipe = recipeWith([crossEntropy(), normDirection()]);
    const read = await trainIn(join(folder(), 'read'), readAsItGoes(), recipe);
    expect(read).to.deep.equal(await trainIn(join(folder(), 'memory'), dataset, recipe));
  });

  let unbrokenRun: Promise<{ hash: string; metrics: string }> | undefined;
  /** The run with everything that was never stopped; trained once. */
  const neverStopped = (): Promise<{ hash: string; metrics: string }> =>
    (unbrokenRun ??= trainIn(
      join(folder(), 'unbroken'),
      readAsItGoes({ mixed: true }),
      everything,
    ));

  // Three batches an epoch: inside the first, at its end, and inside the second.
  for (const batches of [1, 3, 4]) {
    it(`with AdamW, average, clipping, parts and mixing goes on after ${batches} batches as if not stopped`, async () => {
      const source = readAsItGoes({ mixed: true });
      const unbroken = await neverStopped();
      const broken = join(folder(), 'broken');
      const { kind } = await faultOf(() => trainIn(broken, source, everything, stopAfter(batches)));
      expect(kind).to.equal('interrupted');
      expect(await trainIn(broken, source, everything)).to.deep.equal(unbroken);
    });
  }

  it('goes on from a checkpoint that time alone made, after a kill', async () => {
    const source = readAsItGoes();
    const recipe = recipeWith([crossEntropy()]);
    const unbroken = await trainIn(join(folder(), 'unbroken'), source, recipe);
    const broken = join(folder(), 'broken');
    let steps = 0;
    const killed = trainIn(broken, source, recipe, {
      checkpointSeconds: 0,
      onBatch: () => {
        if (++steps === 3) throw new Error('killed');
      },
    });
    expect(await killed.catch((error: unknown) => String(error))).to.equal('Error: killed');
    const notices: string[] = [];
    const onNotice = (message: string): void => void notices.push(message);
    expect(await trainIn(broken, source, recipe, { onNotice })).to.deep.equal(unbroken);
    expect(notices).to.deep.equal(['resumed after epoch 0, batch 2']);
  });

  it('refuses an augmentation that images in memory do not have', async () => {
    const recipe = { ...everything, microBatch: 8 };
    const { what, fix } = await faultOf(() => trainIn(folder(), dataset, recipe));
    expect(what).to.include("augmentation of images in memory 'deit'");
    expect(fix).to.include('pad-crop-flip');
  });
});

describe('class means over a source of batches', () => {
  withEngine('native');

  it('are those over the same images in memory', async () => {
    const teacher = createModel('resnet8', { classes: 4, seed: 1 });
    const options = { teacherHash: 'hash', augmented: false, batchSize: 9 };
    const { means } = await computeClassMeansOver(teacher, readAsItGoes(), options);
    const expected = computeClassMeans(teacher, dataset, options);
    means.forEach((mean, at) => expect(mean).to.be.closeTo(expected.means[at] ?? NaN, 1e-6));
    teacher.dispose();
  });

  it('refuse mixed images', async () => {
    const teacher = createModel('resnet8', { classes: 4 });
    const made = computeClassMeansOver(teacher, readAsItGoes({ mixed: true }), {
      teacherHash: 'hash',
    });
    const error = await made.catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(LabError);
    expect((error as LabError).message).to.include('of no class');
    teacher.dispose();
  });
});

describe('what an epoch shows of images in memory', () => {
  withEngine('plain');
  const folder = withFolder();

  /** The images of each training step. */
  const seen = async (count: number, seed = 1, batchSize = 4): Promise<number[][]> => {
    const dataset = knownDataset(numbered(count), [{ number: 0, label: 0 }]);
    const place = join(folder(), `${count}-${seed}-${batchSize}`);
    const done = await run(place, { batchSize }, { dataset, seed });
    return trainingCalls(done).map(({ numbers }) => [...numbers]);
  };
  const sorted = (batches: number[][]): number[] => batches.flat().sort((a, b) => a - b);
  const all = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

  it('is every image once, in another order in each epoch and for each seed, the last batch short', async () => {
    const batches = await seen(10);
    expect(batches.map(({ length }) => length)).to.deep.equal([4, 4, 2, 4, 4, 2]);
    const [first, second] = [batches.slice(0, 3), batches.slice(3)];
    expect(sorted(first)).to.deep.equal(all(10));
    expect(sorted(second)).to.deep.equal(all(10));
    const orders = [all(10), first.flat(), second.flat(), (await seen(10, 2)).slice(0, 3).flat()];
    expect(new Set(orders.map(String)).size).to.equal(4);
  });

  it('leaves out a last batch of one image, another one in each epoch', async () => {
    const batches = await seen(9);
    expect(batches.map(({ length }) => length)).to.deep.equal([4, 4, 4, 4]);
    const missing = [batches.slice(0, 2), batches.slice(2)].map((epoch) =>
      all(9).filter((number) => !epoch.flat().includes(number)),
    );
    expect(missing.map(({ length }) => length)).to.deep.equal([1, 1]);
    expect(missing[0]).to.not.deep.equal(missing[1]);
  });

  it('goes on with the batches that were not seen', async () => {
    const whole = await seen(10);
    const dataset = knownDataset(numbered(10), [{ number: 0, label: 0 }]);
    const place = join(folder(), 'stopped');
    await run(place, { batchSize: 4 }, { dataset, ...stopAfter(4) });
    const rest = trainingCalls(await run(place, { batchSize: 4 }, { dataset }));
    expect(rest.map(({ numbers }) => numbers)).to.deep.equal(whole.slice(4));
  });

  for (const parts of [{}, { microBatch: 3 }]) {
    it(`gives each image with its own label and place${'microBatch' in parts ? ', in parts too' : ''}`, async () => {
      const images = all(10).map((number) => ({ number, label: (3 * number) % 7 }));
      const found: string[] = [];
      const see = ({ labels, indices, student }: BatchSignals): void => {
        const of = labels.arraySync();
        student.embedding.arraySync().forEach(([number = NaN], row) => {
          found.push(`${Math.round(number)} ${of[row]} ${indices?.[row]}`);
        });
      };
      const method = { name: 'seeing', terms: [firstTerm({ see })] };
      const still = { method, batchSize: 4, epochs: 1, learningRate: 1e-9, ...parts };
      await run(folder(), still, { dataset: knownDataset(images, images) });
      expect(found.sort()).to.deep.equal(
        images.map(({ number, label }) => `${number} ${label} ${number}`),
      );
    });
  }

  it('is shifted and flipped anew for every image, batch, epoch and seed', async () => {
    // Equal images, of which a place can be told by its number: what differs, augmentation made.
    const equal = Array.from({ length: 4 }, () => ({ number: 0, label: 0 }));
    const plain = knownDataset(equal, [], { side: 8 });
    plain.train.images.forEach((_, at) => (plain.train.images[at] = 1 + (Math.floor(at / 3) % 64)));
    const dataset = { ...plain, test: plain.train };
    const shown = async (
      seed: number,
      augmentation: 'none' | 'pad-crop-flip',
    ): Promise<string[]> => {
      const place = join(folder(), augmentation + seed);
      const calls = trainingCalls(await run(place, { augmentation }, { dataset, seed }));
      return calls.map(({ pixels }) => String(pixels));
    };
    const found = [...(await shown(1, 'pad-crop-flip')), ...(await shown(2, 'pad-crop-flip'))];
    // Of 162² ways for the two images of a batch, no two of these eight batches fall together.
    expect(new Set(found).size).to.equal(8);
    const halves = found.map((pixels) => pixels.split(','));
    expect(halves.some((of) => String(of.slice(0, 64)) !== String(of.slice(64)))).to.equal(true);
    expect(new Set(await shown(1, 'none')).size).to.equal(1);
  });
});
