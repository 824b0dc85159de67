import * as tf from '@tensorflow/tfjs';

/** Batch, channels, height, width: PyTorch's order. */
export type ImageShape = readonly [number, number, number, number];

/** Images from PyTorch's order of axes to this package's (batch, height, width, channels). */
export function channelsLast(values: Float32Array, shape: ImageShape): tf.Tensor4D {
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, [...shape]), [0, 2, 3, 1]));
}
