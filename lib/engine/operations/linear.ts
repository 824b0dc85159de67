import * as tf from '@tensorflow/tfjs';
import {
  boolAttribute,
  intAttribute,
  nativeOperation,
  storedFloat,
  stringAttribute,
  typeAttribute,
} from '../native';
import { differentiable, savedTensor } from '../tidy';
import { oneDnnKernel } from './convolution-gradients';
import { canFuseConvolution } from './fused-convolution';

/**
 * x · weightsᵀ + bias, as PyTorch's `Linear`. On a CPU the bias is added before the products leave the processor's
 * cache, where TensorFlow has oneDNN; the numbers are the same to the bit.
 *
 * @param x [batch, inputs]
 * @param weights [outputs, inputs]
 * @param bias [outputs]
 */
export function linear(x: tf.Tensor2D, weights: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  // The TensorFlow that fuses convolutions fuses products too.
  if (!canFuseConvolution(storedFloat(x))) return tf.add(tf.matMul(x, weights, false, true), bias);
  const output = differentiable([x, weights, bias], () => ({
    value: fused(x, weights, bias),
    saved: [x, weights],
    backward: (gradient, saved) => [
      tf.matMul(gradient, savedTensor(saved, 1)),
      tf.matMul(gradient, savedTensor(saved, 0), true, false),
      tf.sum(gradient, 0),
    ],
  }));
  return output as tf.Tensor2D;
}

/** oneDNN's kernel is no public operation: it is asked for by the name that TensorFlow's graph rewriting uses. */
function fused(x: tf.Tensor2D, weights: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return nativeOperation(
    '_MklNativeFusedMatMul',
    [
      boolAttribute('transpose_a', false),
      boolAttribute('transpose_b', true),
      typeAttribute('T', storedFloat(x)),
      stringAttribute('fused_ops', ['BiasAdd']),
      intAttribute('num_args', 1),
      oneDnnKernel,
    ],
    [x, weights, bias],
  ) as tf.Tensor2D;
}
