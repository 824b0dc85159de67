import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { plainBatch } from '../../lib/data/batches';
import type { ImageSplit } from '../../lib/data/source';
import {
  crossEntropy,
  kd,
  type LossTerm,
  normDirection,
  reviewKd,
  sifn,
  warmUp,
} from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import { createModel } from '../../lib/models/registry';
import type { ModelOutput } from '../../lib/nn/model';
import { hashStateDict } from '../../lib/nn/state';
import { inMemorySource, type TrainingBatch } from '../../lib/train/batch-source';
import { type ClassifierTraining, trainClassifier } from '../../lib/train/classifier';
import { type EpochMetrics, readMetrics } from '../../lib/train/metrics';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { stopAfter } from '../support/known-run';
import { numbers } from '../support/tensors';
import { type Fault, partsOf } from '../support/faults';

const dataset = smallDataset();

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function recipeWith(terms: readonly LossTerm[], epochs = 3): TrainingRecipe {
  return {
    student: 'resnet8',
    method: { name: 'test', terms },
    epochs,
    batchSize: 16,
    learningRate: 0.05,
    schedule: { kind: 'step', milestones: [2], factor: 0.1 },
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
    augmentation: 'pad-crop-flip',
  };
}

const kdPlusPlus = [crossEntropy(), warmUp(2, kd()), normDirection({ weight: 2 })];

/** Trains in a folder and gives the student's hash and the metrics as written. */
async function trainIn(
  directory: string,
  options: Partial<ClassifierTraining> = {},
): Promise<{ hash: string; metrics: string }> {
  const { student = createModel('resnet8', { classes: 4, seed: 1 }) } = options;
  // A wider teacher, so that an adapter with dropout is trained too.
  const teacher = createModel('resnet8x4', { classes: 4, seed: 9 });
  try {
    await trainClassifier({
      recipe: recipeWith(kdPlusPlus),
      recipeHash: 'recipe',
      teacher: {
        model: teacher,
        classMeans: Float32Array.from({ length: 4 * 256 }, (_, i) => (i % 7) / 7),
      },
      dataset,
      seed: 1,
      directory,
      ...options,
      student,
    });
    return {
      hash: hashStateDict(student.stateDict()),
      metrics: readFileSync(join(directory, 'metrics.jsonl'), 'utf8'),
    };
  } finally {
    if (options.student === undefined) student.dispose();
    teacher.dispose();
  }
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    expect(error).to.be.instanceOf(LabError);
    return partsOf(error as LabError);
  }
  throw new Error('nothing was thrown');
}

describe('training', () => {
  withEngine('native');
  const folder = withFolder();

  it('gives the same bytes for the same seed, and others for another', async () => {
    const first = await trainIn(join(folder(), 'first'));
    const second = await trainIn(join(folder(), 'second'));
    const other = await trainIn(join(folder(), 'other'), { seed: 2 });
    expect(second).to.deep.equal(first);
    expect(other.hash).to.not.equal(first.hash);
    expect(first.metrics.trim().split('\n')).to.have.length(3);
  });

  it('reports means over the images of an epoch and of the test set, and the student’s own norm', async () => {
    const { train: training, test, mean, std } = dataset;
    const student = createModel('resnet8', { classes: 4, seed: 3 });
    const teacher = createModel('resnet8x4', { classes: 4, seed: 4 });
    const classMeans = new Float32Array(4 * 256).fill(1);
    // So low a rate moves no weight; 48 images are batches of 20, 20 and 8.
    const terms = [crossEntropy({ weight: 2 }), normDirection({ weight: 3 })];
    const recipe = { ...recipeWith(terms, 1), batchSize: 20, learningRate: 1e-30 };
    await trainClassifier({
      recipe: { ...recipe, augmentation: 'none' },
      recipeHash: 'recipe',
      student,
      teacher: { model: teacher, classMeans },
      dataset,
      seed: 1,
      directory: folder(),
    });
    const [epoch] = readMetrics(folder()).epochs;

    /** Sums over the images at these places of a split: losses, hits and norms, from the output alone. */
    const sumsOver = (
      { images, labels }: ImageSplit,
      places: readonly number[],
      forward: (pixels: tf.Tensor4D) => ModelOutput,
    ): { loss: number; hits: number; norm: number } => {
      const pixels = places.flatMap((place) =>
        Array.from(images.subarray(place * 192, (place + 1) * 192), (byte, at) => {
          const channel = (at % 3) as 0 | 1 | 2;
          return (byte / 255 - mean[channel]) / std[channel];
        }),
      );
      const { logits, embedding } = forward(tf.tensor4d(pixels, [places.length, 8, 8, 3]));
      const scores = logits.arraySync();
      const own = places.map((place) => labels[place] ?? -1);
      const loss = scores.map(
        (row, i) => Math.log(sum(row.map(Math.exp))) - (row[own[i] ?? -1] ?? NaN),
      );
      const hits = scores.filter((row, i) => row[own[i] ?? -1] === Math.max(...row)).length;
      const norms = embedding.arraySync().map((row) => Math.hypot(...row));
      return { loss: sum(loss), hits, norm: sum(norms) };
    };
    const seen: TrainingBatch[] = [];
    const request = { seed: 1, epoch: 0, firstBatch: 0, batchSize: 20, augmentation: 'none' };
    for await (const batch of inMemorySource(dataset).trainingBatches(request)) seen.push(batch);
    expect(seen.map(({ count }) => count)).to.deep.equal([20, 20, 8]);
    const tested = sumsOver(test, [...Array(20).keys()], (x) =>
      student.forward(x, { training: false }),
    );
    const taught = sumsOver(test, [...Array(20).keys()], (x) =>
      teacher.forward(x, { training: false }),
    );
    const trained = seen.map(({ indices }) =>
      sumsOver(training, [...indices], (x) => student.forward(x, { training: true })),
    );
    expect(epoch).to.include({ epoch: 1, step: 3, learningRate: 1e-30, testTop5: 100 });
    const crossEntropySum = sum(trained.map(({ loss }) => loss));
    const { crossEntropy: reported, normDirection: direction = NaN, total } = epoch?.losses ?? {};
    expect(reported).to.be.closeTo((2 * crossEntropySum) / 48, 1e-4);
    expect(total).to.be.closeTo((2 * crossEntropySum) / 48 + direction, 1e-4);
    expect(epoch?.trainTop1).to.be.closeTo((100 * sum(trained.map(({ hits }) => hits))) / 48, 1e-9);
    expect(epoch?.testTop1).to.be.closeTo((100 * tested.hits) / 20, 1e-9);
    expect(epoch?.testLoss).to.be.closeTo(tested.loss / 20, 1e-4);
    expect(epoch?.studentNorm).to.be.closeTo(tested.norm / 20, 1e-4);
    expect(epoch?.teacherNorm).to.be.closeTo(taught.norm / 20, 1e-3);
    student.dispose();
    teacher.dispose();
  });

  // 48 images in batches of 16 are 3 batches an epoch: 2 lies inside the first, 3 at its end, 7 in the third.
  for (const batches of [2, 3, 7]) {
    it(`goes on after a stop at batch ${batches} as if it had not been stopped`, async () => {
      const unbroken = await trainIn(join(folder(), 'unbroken'));
      const directory = join(folder(), 'broken');
      const fault = await faultOf(trainIn(directory, stopAfter(batches)));
      expect(fault.kind).to.equal('interrupted');
      expect(await trainIn(directory)).to.deep.equal(unbroken);
    });
  }

  it('goes on with ReviewKD’s fusion blocks after a stop', async () => {
    const recipe = recipeWith([crossEntropy(), reviewKd()]);
    const unbroken = await trainIn(join(folder(), 'unbroken'), { recipe });
    const directory = join(folder(), 'broken');
    await faultOf(trainIn(directory, { recipe, ...stopAfter(4) }));
    expect(await trainIn(directory, { recipe })).to.deep.equal(unbroken);
  });

  it('remembers each sample’s last norm over a stop', async () => {
    const recipe = recipeWith([
      crossEntropy(),
      sifn({ weight: 0.1, step: 0.3, previousNorm: 'lastVisit' }),
    ]);
    const unbroken = await trainIn(join(folder(), 'unbroken'), { recipe });
    const directory = join(folder(), 'broken');
    await faultOf(trainIn(directory, { recipe, ...stopAfter(5) }));
    expect(await trainIn(directory, { recipe })).to.deep.equal(unbroken);
  });

  it('falls back on the checkpoint before a corrupted one, saying so, and ends with the same bytes', async () => {
    const unbroken = await trainIn(join(folder(), 'unbroken'));
    const directory = join(folder(), 'broken');
    await faultOf(trainIn(directory, stopAfter(7)));
    const checkpoints = join(directory, 'checkpoints');
    const newest = readdirSync(checkpoints)
      .filter((name) => name.endsWith('.safetensors'))
      .sort()
      .at(-1) as string;
    truncateSync(join(checkpoints, newest), 1000);
    const notices: string[] = [];
    const resumed = await trainIn(directory, { onNotice: (message) => notices.push(message) });
    expect(notices[0]).to.match(/falling back.*corrupted checkpoint/);
    expect(resumed).to.deep.equal(unbroken);
  });

  it('refuses to go on when no checkpoint is whole', async () => {
    await faultOf(trainIn(folder(), stopAfter(2)));
    const checkpoints = join(folder(), 'checkpoints');
    for (const name of readdirSync(checkpoints).filter((file) => file.endsWith('.json'))) {
      writeFileSync(join(checkpoints, name), '{');
    }
    const fault = await faultOf(trainIn(folder()));
    expect(fault.message)
      .to.include('no checkpoint of this run can be used')
      .and.include(checkpoints);
  });

  it('keeps the number of live tensors from epoch to epoch', async () => {
    const counts: number[] = [];
    await trainIn(folder(), { onBatch: () => counts.push(tf.memory().numTensors) });
    expect(counts).to.have.length(9);
    expect(counts.slice(6)).to.deep.equal(counts.slice(3, 6));
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await trainIn(folder());
    expect(tf.memory().numTensors).to.equal(before);
  });

  it('stops at a loss that is not finite, naming the term, with the weights of the step before', async () => {
    const recipe = { ...recipeWith(kdPlusPlus), learningRate: 1e30 };
    const fault = await faultOf(trainIn(folder(), { recipe }));
    expect(fault.kind).to.equal('numerics');
    expect(fault.message)
      .to.match(/crossEntropy \S+, kd \S+, normDirection \S+/)
      .and.include('learning rate');
    expect(existsSync(join(folder(), 'metrics.jsonl'))).to.equal(false);
  });

  it('refuses labels that are no class’s, before anything is written', async () => {
    for (const split of ['train', 'test'] as const) {
      const labels = dataset[split].labels.map((label) => label + 1);
      const shifted = { ...dataset, [split]: { ...dataset[split], labels } };
      const { message } = await faultOf(trainIn(folder(), { dataset: shifted }));
      expect(message).to.match(
        new RegExp(`a label is not one of 4 classes \\(${split} labels\\): found 4`),
      );
    }
    expect(readdirSync(folder())).to.deep.equal([]);
  });

  it('refuses a batch larger than the data, a teacher of other classes and missing class means', async () => {
    const recipe = { ...recipeWith(kdPlusPlus), batchSize: 64 };
    expect((await faultOf(trainIn(folder(), { recipe }))).message).to.include(
      'a batch of 64, 48 training',
    );
    const model = createModel('resnet8', { classes: 5 });
    const other = await faultOf(
      trainIn(folder(), { teacher: { model }, recipe: recipeWith([crossEntropy(), kd()]) }),
    );
    expect(other.message).to.include('resnet8 with 5, resnet8 with 4');
    const four = createModel('resnet8', { classes: 4 });
    const missing = await faultOf(trainIn(folder(), { teacher: { model: four } }));
    expect(missing.message).to.include("needs the teacher's class means");
    const student = createModel('resnet8', { classes: 5 });
    const apart = await faultOf(trainIn(folder(), { student }));
    expect(apart.message)
      .to.include('the student knows another number of classes')
      .and.include('5 and 4');
    [model, four, student].forEach((network) => network.dispose());
  });

  it('learns: KD++ takes the loss down, and the accuracy, of first places alone, above chance', async () => {
    // A shift of up to 4 of 8 pixels would hide the bands that tell the classes.
    const recipe: TrainingRecipe = { ...recipeWith(kdPlusPlus, 12), augmentation: 'none' };
    const student = createModel('resnet8', { classes: 4, seed: 1 });
    const { metrics } = await trainIn(folder(), { recipe, student });
    const epochs = metrics
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as EpochMetrics);
    const [first, last] = [epochs[0], epochs.at(-1)];
    expect(last?.losses.crossEntropy).to.be.below((first?.losses.crossEntropy ?? 0) * 0.8);
    const { count, labels } = dataset.test;
    const images = tf.tensor4d(plainBatch(dataset, dataset.test, [...labels.keys()]), [
      count,
      8,
      8,
      3,
    ]);
    const { logits } = student.forward(images, { training: false });
    const hits = numbers(tf.argMax(logits, 1)).filter((found, at) => found === labels[at]);
    expect(last?.testTop1)
      .to.be.closeTo((100 * hits.length) / count, 1e-9)
      .and.above(50);
    student.dispose();
  });
});
