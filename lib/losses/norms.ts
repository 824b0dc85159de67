import * as tf from '@tensorflow/tfjs';

/** Norms below this count as zero: such a vector has no direction. PyTorch's cosine uses the same. */
export const smallestNorm = 1e-8;

/**
 * The Euclidean norm of every row: `[batch, dim]` → `[batch]`. A measurement, to be kept or compared:
 * the losses hold it constant.
 */
export function embeddingNorms(embedding: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => tf.squeeze<tf.Tensor1D>(rowNorms(embedding), [1]));
}

/** The Euclidean norm of every row as a column: `[batch, dim]` → `[batch, 1]`. */
export function rowNorms(rows: tf.Tensor2D): tf.Tensor2D {
  return tf.sqrt(tf.sum<tf.Tensor2D>(tf.square(rows), 1, true));
}

/** Rows divided by their norm; a row of zeros stays one. */
export function unitRows(rows: tf.Tensor2D): tf.Tensor2D {
  return tf.div(rows, tf.maximum(rowNorms(rows), smallestNorm));
}

/**
 * `1 / norm` for each entry, and 0 where the norm is below `smallestNorm`: as a factor of a gradient
 * it drops samples without a direction, where the slope is 1e8 or infinite and would end a training.
 */
export function inverseNorms(norms: tf.Tensor2D): tf.Tensor2D {
  return tf.div(
    tf.cast(tf.greaterEqual(norms, smallestNorm), 'float32'),
    tf.maximum(norms, smallestNorm),
  );
}

/**
 * `mean_i (‖x_i‖ − wanted_i)²` with its gradient with respect to `x`, which is 0 for a row of zeros.
 *
 * @param rows `[batch, dim]`
 * @param wanted `[batch, 1]`
 */
export function normPenalty(
  rows: tf.Tensor2D,
  wanted: tf.Tensor2D,
): { value: tf.Scalar; gradient: tf.Tensor2D } {
  const norms = rowNorms(rows);
  const excess = tf.sub(norms, wanted);
  const push = tf.mul(tf.mul(excess, inverseNorms(norms)), 2 / rows.shape[0]);
  return { value: tf.mean<tf.Scalar>(tf.square(excess)), gradient: tf.mul(rows, push) };
}
