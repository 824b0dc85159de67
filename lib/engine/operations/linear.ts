import * as tf from '@tensorflow/tfjs';

/**
 * x · weightsᵀ + bias, as PyTorch's `Linear`.
 *
 * @param x [batch, inputs]
 * @param weights [outputs, inputs]
 * @param bias [outputs]
 */
export function linear(x: tf.Tensor2D, weights: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return tf.add(tf.matMul(x, weights, false, true), bias);
}
