import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  type ClassMeans,
  computeClassMeans,
  computeClassMeansOver,
  readClassMeans,
  requireClassMeansOf,
  writeClassMeans,
} from '../../lib/distill/class-means';
import { compareClassMeans, readReleasedClassMeans } from '../../lib/distill/released-class-means';
import { LabError } from '../../lib/errors';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import type { Model } from '../../lib/nn/model';
import { inMemorySource, type TrainingBatchRequest } from '../../lib/train/batch-source';
import { runHere } from '../support/command';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { writePhotoFolder } from '../support/photo-folder';

/** A teacher whose embedding is the first pixel's red and blue, normalised as the data set says. */
function pixelTeacher(): Model {
  const model = createModel('resnet8', { classes: 2 });
  return {
    ...model,
    embeddingSize: 2,
    forward(images) {
      const pixel = tf.slice(images, [0, 0, 0, 0], [-1, 1, 1, 3]);
      const [red, , blue] = tf.split(tf.reshape(pixel, [-1, 3]), 3, 1);
      const embedding = tf.concat([red as tf.Tensor2D, blue as tf.Tensor2D], 1);
      return { logits: embedding, embedding, features: [], preActivations: [] };
    },
  };
}

const means: ClassMeans = {
  means: Float32Array.of(1, 2, 3, 4, 5, 6),
  classes: 3,
  dimension: 2,
  teacherHash: 'a'.repeat(64),
  datasetHash: 'small',
  augmented: true,
};

describe('class means', () => {
  withEngine('native');
  const folder = withFolder();

  it('are the mean embedding of each class, over batches that split the classes', () => {
    const dataset = {
      ...smallDataset({ classes: 2, perClass: 3, side: 1 }),
      mean: [0, 0, 0] as const,
      std: [1 / 255, 1 / 255, 1 / 255] as const,
      train: {
        // (red, green, blue) of six one-pixel images.
        images: Uint8Array.of(1, 0, 10, 2, 0, 20, 3, 0, 30, 4, 0, 40, 5, 0, 50, 9, 0, 60),
        labels: Int32Array.of(0, 1, 0, 1, 0, 1),
        count: 6,
      },
    };
    const found = computeClassMeans(pixelTeacher(), dataset, {
      teacherHash: 'hash',
      augmented: false,
      batchSize: 4,
    });
    [(1 + 3 + 5) / 3, (10 + 30 + 50) / 3, (2 + 4 + 9) / 3, (20 + 40 + 60) / 3].forEach(
      (mean, i) => {
        expect(found.means[i]).to.be.closeTo(mean, 1e-4);
      },
    );
    expect(found.dimension).to.equal(2);
    expect(found.datasetHash).to.equal('small');
  });

  it('of one image are its embedding, with 0 for −0; of two and three their means', () => {
    const scale = 255;
    const dataset = {
      ...smallDataset({ classes: 3, perClass: 2, side: 1 }),
      mean: [0, 0, 0] as const,
      // A red of 0 is −0 with it.
      std: [-1 / scale, 1 / scale, 1 / scale] as const,
      train: {
        images: Uint8Array.of(0, 0, 7, 2, 0, 20, 3, 0, 30, 4, 0, 40, 8, 0, 50, 6, 0, 90),
        labels: Int32Array.of(0, 1, 2, 1, 2, 2),
        count: 6,
      },
    };
    const found = computeClassMeans(pixelTeacher(), dataset, {
      ...{ teacherHash: 'hash', augmented: false, batchSize: 2 },
    });
    const rounded = [...found.means].map((value) => Math.fround(Math.round(value * 1e4) / 1e4));
    const wanted = [0, 7, -3, 30, -17 / 3, 170 / 3];
    expect(rounded).to.deep.equal(
      wanted.map((value) => Math.fround(Math.round(value * 1e4) / 1e4)),
    );
    expect(Object.is(found.means[0], 0), 'not −0').to.equal(true);
  });

  for (const [title, labels] of [
    ['first', [1, 2]],
    ['last', [0, 1]],
  ] as const) {
    it(`are refused where the ${title} class has no image`, () => {
      const dataset = {
        ...smallDataset({ classes: 3, perClass: 1, side: 1 }),
        classes: ['first', 'middle', 'last'],
        train: { images: new Uint8Array(6), labels: Int32Array.from(labels), count: 2 },
      };
      const options = { teacherHash: 'hash', augmented: false };
      expect(() => computeClassMeans(pixelTeacher(), dataset, options))
        .to.throw(LabError)
        .with.property('message')
        .that.matches(new RegExp(`no training image.*'${title}'`, 's'));
    });
  }

  it('differ over the augmented images, and are the same for the same seed', () => {
    const dataset = smallDataset();
    const teacher = createModel('resnet8', { classes: 4 });
    const over = (augmented: boolean): Float32Array =>
      computeClassMeans(teacher, dataset, { teacherHash: 'h', augmented }).means;
    expect(over(true)).to.deep.equal(over(true));
    expect(over(true)).to.not.deep.equal(over(false));
    teacher.dispose();
  });

  it('are those of the augmented images unless told otherwise, from memory and from a source', async () => {
    const dataset = smallDataset();
    const teacher = createModel('resnet8', { classes: 4 });
    const found = computeClassMeans(teacher, dataset, { teacherHash: 'h' });
    expect(found.augmented).to.equal(true);
    expect(found).to.deep.equal(
      computeClassMeans(teacher, dataset, { teacherHash: 'h', augmented: true }),
    );
    expect(await computeClassMeansOver(teacher, dataset, { teacherHash: 'h' })).to.deep.equal(
      found,
    );
    const asked: string[] = [];
    const memory = inMemorySource(dataset);
    const source = {
      ...memory,
      trainingBatches(at: TrainingBatchRequest) {
        asked.push(at.augmentation);
        return memory.trainingBatches({ ...at, augmentation: 'none' });
      },
    };
    for (const changes of [{}, { augmentation: 'deit-unmixed' }, { augmented: false }]) {
      const { augmented } = await computeClassMeansOver(teacher, source, {
        teacherHash: 'h',
        ...changes,
      });
      expect(augmented).to.equal(!('augmented' in changes));
    }
    expect(asked).to.deep.equal(['resized-crop-flip', 'deit-unmixed', 'none']);
    teacher.dispose();
  });

  it('come back from their file as they were written', () => {
    const file = join(folder(), 'means.safetensors');
    writeClassMeans(file, means);
    expect(readClassMeans(file)).to.deep.equal(means);
  });

  it('are refused for another teacher, data set, dimension or number of classes', () => {
    const dataset = smallDataset({ classes: 3 });
    const fits = { teacherHash: means.teacherHash, dataset, dimension: 2 };
    expect(() => requireClassMeansOf(means, fits)).to.not.throw();
    const cases: [string, Partial<typeof fits>][] = [
      ['class means of another teacher', { teacherHash: 'b'.repeat(64) }],
      [
        'class means over another data set',
        { dataset: smallDataset({ classes: 3, hash: 'other' }) },
      ],
      ['class means of another dimension', { dimension: 64 }],
      ['class means of another number of classes', { dataset: smallDataset({ classes: 4 }) }],
    ];
    for (const [words, change] of cases) {
      expect(() => requireClassMeansOf(means, { ...fits, ...change }, 'means.file')).to.throw(
        LabError,
        words,
      );
    }
  });

  it('of the paper’s code are read in the order of the classes, whatever the file’s', async () => {
    const file = join(folder(), 'released.json');
    const write = (value: unknown): void => writeFileSync(file, JSON.stringify(value));
    write({
      10: [20, 21],
      ...Object.fromEntries(Array.from({ length: 10 }, (_, i) => [i, [i, -i]])),
    });
    const { means: read, ...shape } = readReleasedClassMeans(file);
    expect(shape).to.deep.equal({ classes: 11, dimension: 2 });
    expect([...read.slice(-4)]).to.deep.equal([9, -9, 20, 21]);
    for (const [value, found] of [
      [{ 0: [1, 2], 2: [3, 4] }, 'no numbers of class 1, 2 of class 0'],
      [{ 0: [1, 2], 1: [3] }, '1 numbers of class 1, 2 of class 0'],
      [[[1, 2]], 'another form'],
      [{}, 'another form'],
    ] as const) {
      write(value);
      expect((await faultOf(() => readReleasedClassMeans(file))).found).to.equal(found);
    }
  });

  it('are compared by the cosine and the norms of each class', async () => {
    const of = (...values: number[]): Parameters<typeof compareClassMeans>[0] => ({
      means: Float32Array.from(values),
      classes: 2,
      dimension: 2,
    });
    const [first, second] = compareClassMeans(of(3, 4, 1, 0), of(6, 8, 1, 1));
    expect(first).to.deep.equal({ cosine: 1, norms: [5, 10] });
    expect(second?.cosine).to.be.closeTo(Math.SQRT1_2, 1e-7);
    const { found } = await faultOf(() => compareClassMeans(of(3, 4, 1, 0), means));
    expect(found).to.equal('2 × 2 and 3 × 2');
  });

  it('are not read from another kind of file', () => {
    const file = join(folder(), 'other.safetensors');
    writeFileSync(file, 'hello, world');
    expect(() => readClassMeans(file)).to.throw(LabError, 'not a whole safetensors file');
  });

  it('of a network of ImageNet are made over a folder that is decoded as it is read, and compared', async () => {
    await writePhotoFolder(join(folder(), 'data/imagenet'), { train: 2, val: 1 });
    const model = createModel('resnet18_half', { classes: 2, seed: 1 });
    const weights = join(folder(), 'half.safetensors');
    writeSafetensors(weights, model.stateDict());
    model.dispose();
    const out = join(folder(), 'means.safetensors');
    const common = ['--model', 'resnet18_half', '--weights', weights, '--out', out, '--json'];
    const data = ['--data', 'imagenet', '--data-dir', join(folder(), 'data')];
    const command = join(__dirname, '../../reproduce/commands/class-means.ts');
    const made = await runHere(command, [...common, ...data]);
    expect(made.status, made.stderr).to.equal(0);
    const means = readClassMeans(out);
    // 256 channels at half the width, at the last stage.
    expect([means.classes, means.dimension, means.augmented]).to.deep.equal([2, 256, true]);
    const published = join(folder(), 'center_emb_train.json');
    const rows = [0, 1].map((row) => [...means.means.subarray(256 * row, 256 * (row + 1))]);
    writeFileSync(published, JSON.stringify({ 0: rows[0], 1: rows[1] }));
    const again = await runHere(command, [...common, ...data, '--compare', published]);
    const report: unknown = JSON.parse(again.stdout);
    expect(report).to.have.nested.property('compared.smallestCosine').that.is.closeTo(1, 1e-6);
  });
});
