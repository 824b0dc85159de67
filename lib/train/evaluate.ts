import * as tf from '@tensorflow/tfjs';
import { type BatchSource, type EvaluationBatch, evaluationBatches } from '../data/batches';
import type { Interpolation } from '../data/resample';
import type { ImageDataset } from '../data/source';
import { tidied } from '../engine/tidy';
import type { ModelOutput } from '../nn/model';

/** What an evaluation over the test set measures. */
export interface Evaluation {
  /** Percent. */
  readonly top1: number;
  /** Percent; with five classes or fewer it is 100. */
  readonly top5: number;
  /** Mean cross entropy. */
  readonly loss: number;
  /** Mean of ‖f‖. */
  readonly embeddingNorm: number;
  /** Mean cosine of f to its own class's mean; null where none were given. */
  readonly cosineToClassMean: number | null;
  /**
   * The same class by class, rounded to four decimals, null for a class without test images; missing
   * where no class means were given.
   */
  readonly cosineByClass?: (number | null)[];
}

export interface EvaluationOptions {
  /** [classes × dimension] of the space that `embed` gives. */
  readonly classMeans?: Float32Array;
  readonly batchSize?: number;
  /** How a folder's images are scaled, in the place of the source's own way. */
  readonly interpolation?: Interpolation | undefined;
}

/** Images of an evaluation batch: few enough for their features to stay in the processor's cache. */
export const evaluationBatchSize = 100;

/** What evaluation needs of a forward pass. */
export type Forward = (images: tf.Tensor4D) => Pick<ModelOutput, 'logits' | 'embedding'> & {
  /** The embedding in the teacher's space, where an adapter makes one. */
  readonly adapted?: tf.Tensor2D;
};

/** Evaluates a network in evaluation mode over the whole test set. */
export function evaluate(
  forward: Forward,
  dataset: ImageDataset,
  { classMeans, batchSize = evaluationBatchSize }: EvaluationOptions = {},
): Evaluation {
  const sums = evaluationSums(forward, dataset, classMeans);
  for (const batch of evaluationBatches(dataset, dataset.test, batchSize)) sums.add(batch);
  return sums.result();
}

/** The same over a source whose images are read as they are needed. */
export async function evaluateSource(
  forward: Forward,
  source: BatchSource,
  { classMeans, batchSize = evaluationBatchSize, interpolation }: EvaluationOptions = {},
): Promise<Evaluation> {
  const sums = evaluationSums(forward, source, classMeans);
  for await (const batch of source.evaluationBatches({ batchSize, interpolation })) sums.add(batch);
  return sums.result();
}

function evaluationSums(
  forward: Forward,
  { test, classes, height, width }: Pick<BatchSource, 'test' | 'classes' | 'height' | 'width'>,
  classMeans: Float32Array | undefined,
): { add(batch: EvaluationBatch): void; result(): Evaluation } {
  const sum = { top1: 0, top5: 0, loss: 0, norm: 0, cosine: 0 };
  const cosines = classMeans && meansByClass(classes.length);
  return {
    add({ images, labels, count: size }) {
      // A source may show test images of another side than those it trains on.
      const same = images.length === size * height * width * 3;
      const side = Math.sqrt(images.length / size / 3);
      const shape = same ? ([height, width] as const) : ([side, side] as const);
      const { logits, embedding, adapted } = tidied(() => {
        const output = forward(tf.tensor4d(images, [size, ...shape, 3]));
        const read = output.embedding.dataSync<'float32'>();
        return {
          logits: output.logits.dataSync<'float32'>(),
          embedding: read,
          adapted: output.adapted?.dataSync<'float32'>() ?? read,
        };
      });
      const own = embedding.length / size;
      const shared = adapted.length / size;
      for (let row = 0; row < size; row++) {
        const label = labels[row] ?? 0;
        const scores = logits.subarray(row * classes.length, (row + 1) * classes.length);
        const rank = rankOf(label, scores);
        if (rank < 1) sum.top1++;
        if (rank < 5) sum.top5++;
        sum.loss += crossEntropyOf(label, scores);
        sum.norm += norm(embedding.subarray(row * own, (row + 1) * own));
        if (classMeans) {
          const mean = classMeans.subarray(label * shared, (label + 1) * shared);
          const value = cosine(adapted.subarray(row * shared, (row + 1) * shared), mean);
          sum.cosine += value;
          cosines?.add(label, value);
        }
      }
    },
    result: () => ({
      top1: (100 * sum.top1) / test.count,
      top5: (100 * sum.top5) / test.count,
      loss: sum.loss / test.count,
      embeddingNorm: sum.norm / test.count,
      cosineToClassMean: classMeans ? sum.cosine / test.count : null,
      cosineByClass: cosines?.result(),
    }),
  };
}

function meansByClass(classes: number): {
  add(label: number, value: number): void;
  result(): (number | null)[];
} {
  const sums = new Float64Array(classes);
  const counts = new Int32Array(classes);
  return {
    add(label, value) {
      sums[label] = (sums[label] ?? 0) + value;
      counts[label] = (counts[label] ?? 0) + 1;
    },
    result: () =>
      Array.from(sums, (sum, label) => {
        const count = counts[label] ?? 0;
        return count === 0 ? null : Number((sum / count).toFixed(4));
      }),
  };
}

/** How many classes come before the label: higher scores, and equal ones of a lower index. */
export function rankOf(label: number, scores: Float32Array): number {
  const own = scores[label] ?? NaN;
  let rank = 0;
  // Loops, here and below: calls for each number would take longer than a small network.
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index] ?? NaN;
    // A score that is not a number never counts as a hit.
    if (!(score < own) && index !== label && (score !== own || index < label)) rank++;
  }
  return rank;
}

function crossEntropyOf(label: number, scores: Float32Array): number {
  let highest = -Infinity;
  for (const score of scores) highest = Math.max(highest, score);
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - highest);
  return highest + Math.log(sum) - (scores[label] ?? NaN);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

function norm(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector));
}

function cosine(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / Math.max(norm(a) * norm(b), 1e-12);
}
