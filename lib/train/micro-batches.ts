import * as tf from '@tensorflow/tfjs';
import type { Batch, StepResult } from './learner';

/**
 * A batch in parts of at most `size` samples, in its own order; the batch itself where it is no larger.
 * The parts' tensors belong to the tidy around it.
 */
export function microBatches(batch: Batch, size: number): Batch[] {
  const [count] = batch.labels.shape;
  if (size >= count) return [batch];
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, part) => part * size);
  return starts.map((start) => {
    const length = Math.min(size, count - start);
    const { images, labels, indices, mix } = batch;
    return {
      images: tf.slice(images, start, length),
      labels: tf.slice(labels, start, length),
      ...(indices ? { indices: indices.slice(start, start + length) } : {}),
      ...(mix
        ? {
            mix: {
              partners: tf.slice(mix.partners, start, length),
              lambda: tf.slice(mix.lambda, start, length),
            },
          }
        : {}),
    };
  });
}

/** What one part of a batch gives; the gradients belong to the tidy around it. */
interface PartResult {
  readonly gradients: readonly tf.Tensor[];
  readonly result: StepResult;
}

/**
 * The gradients and measurements of a whole batch from those of its parts, each weighted by its share of
 * the samples. Of one part they are passed on as they are, to the bit.
 */
export function summedOverParts(
  parts: readonly Batch[],
  work: (part: Batch, index: number) => PartResult,
): PartResult {
  const [only, ...others] = parts;
  if (only === undefined) throw new Error('a batch has at least one part');
  if (others.length === 0) return work(only, 0);
  const count = parts.reduce((sum, { labels }) => sum + labels.shape[0], 0);
  let gradients: tf.Tensor[] | undefined;
  let result: StepResult | undefined;
  parts.forEach((part, index) => {
    const share = part.labels.shape[0] / count;
    const before = gradients;
    const seen = result;
    // Each part's activations are freed before the next one's are made.
    gradients = tf.tidy(() => {
      const own = work(part, index);
      result = addedTo(seen, own.result, share);
      return own.gradients.map((gradient, at) => {
        const weighted = tf.mul(gradient, share);
        const sum = before?.[at];
        return sum === undefined ? weighted : tf.add(sum, weighted);
      });
    });
    before?.forEach((gradient) => gradient.dispose());
  });
  if (gradients === undefined || result === undefined) throw new Error('no part was computed');
  return { gradients, result };
}

function addedTo(
  sum: StepResult | undefined,
  { total, terms, correct }: StepResult,
  share: number,
): StepResult {
  return {
    total: (sum?.total ?? 0) + share * total,
    terms: terms.map((term, index) => (sum?.terms[index] ?? 0) + share * term),
    correct: (sum?.correct ?? 0) + correct,
  };
}
