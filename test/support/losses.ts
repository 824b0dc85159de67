import * as tf from '@tensorflow/tfjs';

/** A loss of one student matrix. */
export type StudentLoss = (student: tf.Tensor2D) => tf.Scalar;

/** The loss and its gradient at `rows`, read. */
export function lossAt(
  loss: StudentLoss,
  rows: readonly (readonly number[])[],
): { value: number; gradient: number[] } {
  return tf.tidy(() => {
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => loss(x as tf.Tensor2D))(matrix(rows));
    return { value: value.dataSync()[0] ?? NaN, gradient: Array.from(grad.dataSync()) };
  });
}

export function matrix(rows: readonly (readonly number[])[]): tf.Tensor2D {
  return tf.tensor2d(rows.map((row) => [...row]));
}

export function labelsOf(...labels: number[]): tf.Tensor1D {
  return tf.tensor1d(labels, 'int32');
}
