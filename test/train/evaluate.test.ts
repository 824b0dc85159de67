import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import type { ImageDataset } from '../../lib/data/source';
import { inMemorySource } from '../../lib/train/batch-source';
import { evaluate, evaluateSource, type Forward } from '../../lib/train/evaluate';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';

/** One-pixel test images whose red and green are the embedding, of classes 0, 1, 0 and 1; class 2 has none. */
function pixels(): ImageDataset {
  return {
    ...smallDataset({ classes: 3, perClass: 1, side: 1 }),
    mean: [0, 0, 0],
    std: [1 / 255, 1 / 255, 1 / 255],
    test: {
      images: Uint8Array.of(3, 4, 0, 0, 5, 0, 2, 0, 0, 4, 3, 0),
      labels: Int32Array.of(0, 1, 0, 1),
      count: 4,
    },
  };
}

const asEmbedding = (images: tf.Tensor4D): { logits: tf.Tensor2D; embedding: tf.Tensor2D } => {
  const rows = tf.reshape(images, [-1, 3]);
  return { logits: rows as tf.Tensor2D, embedding: tf.slice(rows, [0, 0], [-1, 2]) as tf.Tensor2D };
};

/** Along the axes, of different lengths. */
const classMeans = Float32Array.of(2, 0, 0, 7, 1, 1);

/** What the network is made to say of a test image, and what that is worth. */
interface Case {
  readonly label: number;
  readonly logits: readonly number[];
  readonly embedding: readonly number[];
  /** Whether the label is the first, and among the first five. */
  readonly first: 0 | 1;
  readonly five: 0 | 1;
  readonly loss: number;
  readonly norm: number;
}

const { log } = Math;
const alike = [0, 0, 0, 0, 0, 0];

/** The logits are logarithms, so that a softmax is a fraction: of log 6 here 6 / (1 + 2 + 6 + 3 + 4 + 5). */
// prettier-ignore
const cases: readonly Case[] = [
  { label: 2, logits: [1, 2, 6, 3, 4, 5].map(log), first: 1, five: 1, loss: log(21 / 6), embedding: [3, 4], norm: 5 },
  { label: 0, logits: [5, 6, 4, 3, 2, 1].map(log), first: 0, five: 1, loss: log(21 / 5), embedding: [6, 8], norm: 10 },
  { label: 3, logits: [1, 3, 4, 2, 5, 6].map(log), first: 0, five: 1, loss: log(21 / 2), embedding: [-5, 12], norm: 13 },
  { label: 3, logits: [2, 3, 4, 1, 5, 6].map(log), first: 0, five: 0, loss: log(21 / 1), embedding: [8, -15], norm: 17 },
  // Of equal scores the lower index comes first.
  { label: 1, logits: [1, 7, 1, 7, 1, 1].map(log), first: 1, five: 1, loss: log(18 / 7), embedding: [0, 2], norm: 2 },
  { label: 3, logits: [1, 7, 1, 7, 1, 1].map(log), first: 0, five: 1, loss: log(18 / 7), embedding: [1, 0], norm: 1 },
  { label: 4, logits: alike, first: 0, five: 1, loss: log(6), embedding: [7, 24], norm: 25 },
  { label: 5, logits: alike, first: 0, five: 0, loss: log(6), embedding: [0, 0], norm: 0 },
  // e^800 is more than 64 bits hold, e^−800 less.
  { label: 2, logits: [1, 1, 2, 1, 1, 1].map((x) => log(x) + 800), first: 1, five: 1, loss: log(7 / 2), embedding: [9, 12], norm: 15 },
  { label: 1, logits: [1, 2, 1, 1, 1, 1].map((x) => log(x) - 800), first: 1, five: 1, loss: log(7 / 2), embedding: [20, 21], norm: 29 },
];

/** One-pixel images whose red tells the place of their case. */
function imagesOf(table: readonly Case[]): ImageDataset {
  return {
    ...smallDataset({ classes: 6, perClass: 1, side: 1 }),
    mean: [0, 0, 0],
    std: [1 / 255, 1 / 255, 1 / 255],
    test: {
      images: Uint8Array.from(table.flatMap((_, place) => [place, 0, 0])),
      labels: Int32Array.from(table, ({ label }) => label),
      count: table.length,
    },
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('an evaluation', () => {
  withEngine('native');

  it('counts the first and the first five, and is the mean over images, whatever the batches', async () => {
    const dataset = imagesOf(cases);
    const asWritten: Forward = (images) => {
      const places = tf.cast(tf.round(tf.slice(images, [0, 0, 0, 0], [-1, 1, 1, 1])), 'int32');
      const ofEach = (read: (one: Case) => readonly number[]): tf.Tensor2D =>
        tf.tensor2d(
          [...places.dataSync()].map((place) => [...read(cases[place] ?? expect.fail('no case'))]),
        );
      return {
        logits: ofEach(({ logits }) => logits),
        embedding: ofEach(({ embedding }) => embedding),
        // The student's own norm is asked for, not that of what an adapter makes of it.
        adapted: ofEach(({ label, norm }) => [0, norm + 1, label]),
      };
    };
    // In batches of four, four and two.
    const found = [
      evaluate(asWritten, dataset, { batchSize: 4 }),
      await evaluateSource(asWritten, inMemorySource(dataset), { batchSize: 4 }),
    ];
    for (const { top1, top5, loss, embeddingNorm } of found) {
      expect(top1).to.equal(100 * mean(cases.map(({ first }) => first)));
      expect(top5).to.equal(100 * mean(cases.map(({ five }) => five)));
      expect(loss).to.be.closeTo(mean(cases.map((each) => each.loss)), 1e-5);
      expect(embeddingNorm).to.be.closeTo(mean(cases.map(({ norm }) => norm)), 1e-5);
    }
  });

  it('counts no score that is not a number as a hit', () => {
    const nowhere = (): { logits: tf.Tensor2D; embedding: tf.Tensor2D } => {
      const logits = tf.fill([4, 6], NaN) as tf.Tensor2D;
      return { logits, embedding: logits };
    };
    const { top1, top5 } = evaluate(nowhere, imagesOf(cases.slice(0, 4)));
    expect([top1, top5]).to.deep.equal([0, 0]);
  });

  it('measures the cosine of each class’s features to its mean, over batches that split the classes', () => {
    const { cosineToClassMean, cosineByClass } = evaluate(asEmbedding, pixels(), {
      classMeans,
      batchSize: 3,
    });
    // Class 0: (3, 4) and (2, 0) to the first axis; class 1: (0, 5) and (4, 3) to the second.
    expect(cosineByClass).to.deep.equal([(0.6 + 1) / 2, (1 + 0.6) / 2, null]);
    expect(cosineToClassMean).to.be.closeTo((0.6 + 1 + 1 + 0.6) / 4, 1e-6);
  });

  it('rounds them to four decimals', () => {
    const means = Float32Array.of(1, 1, 0, 1, 1, 1);
    const { cosineByClass } = evaluate(asEmbedding, pixels(), { classMeans: means });
    // (7 / (5 √2) + 1 / √2) / 2 = 0.84852…
    expect(cosineByClass?.[0]).to.equal(0.8485);
  });

  it('takes the cosine of what an adapter makes of the embedding', () => {
    // The means have three numbers, the embedding two: (3, 4, 0) to (0, 1, 0), (0, 5, 0) to (3, 4, 0), and so on.
    const adapting: Forward = (images) => {
      const adapted = tf.reshape(images, [-1, 3]) as tf.Tensor2D;
      return { ...asEmbedding(images), adapted };
    };
    const { cosineByClass, embeddingNorm } = evaluate(adapting, pixels(), {
      classMeans: Float32Array.of(0, 1, 0, 3, 4, 0, 1, 1, 1),
      batchSize: 3,
    });
    expect(cosineByClass).to.deep.equal([(0.8 + 0) / 2, (0.8 + (12 + 12) / 25) / 2, null]);
    expect(embeddingNorm).to.be.closeTo((5 + 5 + 2 + 5) / 4, 1e-6);
  });

  it('has none without class means', () => {
    const found = evaluate(asEmbedding, pixels());
    expect(found.cosineByClass).to.equal(undefined);
    expect(found.cosineToClassMean).to.equal(null);
  });
});
