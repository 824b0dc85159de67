import * as tf from '@tensorflow/tfjs';

/**
 * The ND loss as a loop over the samples, the way in which the authors' code computes it: what
 * `normDirectionLoss` is timed against.
 *
 * @param student `[batch, dim]`
 * @param teacher `[batch, dim]`
 * @param labels one for each sample
 * @param classMeans `[classes, dim]`
 */
export function normDirectionBySample(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  labels: Int32Array,
  classMeans: tf.Tensor2D,
): tf.Scalar {
  const row = (matrix: tf.Tensor2D, index: number): tf.Tensor =>
    tf.slice(matrix, [index, 0], [1, matrix.shape[1]]);
  const norm = (vector: tf.Tensor): tf.Tensor => tf.sqrt(tf.sum(tf.square(vector)));
  let total: tf.Scalar = tf.scalar(0);
  labels.forEach((label, index) => {
    const own = row(student, index);
    const mean = row(classMeans, label);
    const direction = tf.div(mean, norm(mean));
    const longer = tf.maximum(norm(own), norm(row(teacher, index)));
    const share = tf.div(tf.sum(tf.mul(own, direction)), longer);
    total = tf.add(total, tf.sub(1, share));
  });
  return tf.div(total, labels.length);
}
