import * as tf from '@tensorflow/tfjs';
import type { MixedLabels } from '../distill/signals';
import type { TrainingBatch } from './batch-source';

/** One batch, as bytes became numbers. */
export interface Batch {
  /** [size, height, width, 3], normalised. */
  readonly images: tf.Tensor4D;
  /** [size], int32 */
  readonly labels: tf.Tensor1D;
  /** Places of the samples in the training set; needed by methods that remember each sample's norm. */
  readonly indices?: Int32Array;
  /** How the images were joined, where they were. */
  readonly mix?: Pick<MixedLabels, 'partners' | 'lambda'>;
}

/** Batches as tensors; each is freed when the next one is asked for. */
export async function* batchTensors(
  source: AsyncIterable<TrainingBatch>,
  size: { readonly height: number; readonly width: number },
): AsyncGenerator<Batch, void> {
  for await (const read of source) {
    const batch = tensorsOf(read, size);
    try {
      yield batch;
    } finally {
      tf.dispose([batch.images, batch.labels, batch.mix?.partners, batch.mix?.lambda]);
    }
  }
}

function tensorsOf(
  { images, labels, indices, count, mix }: TrainingBatch,
  { height, width }: { readonly height: number; readonly width: number },
): Batch {
  const tensors = {
    images: tf.tensor4d(images, [count, height, width, 3]),
    labels: tf.tensor1d(labels, 'int32'),
    indices,
  };
  if (mix === undefined) return tensors;
  const partners = mix.partner.map((row) => labels[row] ?? -1);
  return {
    ...tensors,
    mix: { partners: tf.tensor1d(partners, 'int32'), lambda: tf.tensor1d(mix.lambda) },
  };
}

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
