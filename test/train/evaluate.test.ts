import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import type { ImageDataset } from '../../lib/data/types';
import { evaluate } from '../../lib/train/evaluate';
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

describe('an evaluation', () => {
  withEngine('native');

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

  it('has none without class means', () => {
    const found = evaluate(asEmbedding, pixels());
    expect(found).to.not.have.property('cosineByClass');
    expect(found.cosineToClassMean).to.equal(null);
  });
});
