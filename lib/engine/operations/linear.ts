import * as tf from '@tensorflow/tfjs';
import {
  boolAttribute,
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  storedFloat,
  stringAttribute,
  typeAttribute,
} from '../native';
import { differentiable, savedTensor } from '../tidy';
import { plusBias, storedAs } from './activations';
import { oneDnnKernel } from './convolution-gradients';
import { canFuseConvolution } from './fused-convolution';

/**
 * x · weightsᵀ + bias, as PyTorch's `Linear`. On a CPU the bias is added before the products leave the processor's
 * cache, where TensorFlow has oneDNN; in float32 the numbers are the same to the bit.
 *
 * @param x [batch, inputs], in float32 or bfloat16; it is multiplied in that type, there and on the way back, and the
 * output is of it
 * @param weights [outputs, inputs], in float32, as their gradient
 * @param bias [outputs], in float32, as its gradient
 */
export function linear(x: tf.Tensor2D, weights: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  const type = storedFloat(x);
  // The TensorFlow that fuses convolutions fuses products too.
  const fuses = canFuseConvolution(type);
  if (!fuses && type === 'float32') return tf.add(tf.matMul(x, weights, false, true), bias);
  const output = differentiable([x, weights, bias], () => {
    const [factors, shift] = [storedAs(weights, type), storedAs(bias, type)];
    return {
      value: fuses
        ? fused(x, factors, shift)
        : plusBias(product2d(x, factors, { right: true }), shift),
      saved: [x, factors],
      backward: (gradient, saved) => [
        product2d(gradient, savedTensor(saved, 1), {}),
        storedAs(product2d(gradient, savedTensor(saved, 0), { left: true }), 'float32'),
        sumOfRows(gradient),
      ],
    };
  });
  return output as tf.Tensor2D;
}

/** In float32, of either type. */
function sumOfRows(x: tf.Tensor): tf.Tensor {
  const [rows = 0, columns = 0] = x.shape;
  const type = storedFloat(x);
  if (type === 'float32' || rows === 0 || !hasOwnOperations()) return tf.sum(x, 0);
  // One pass over memory, in which nothing is cast.
  const pixels = tf.reshape(x, [1, rows, 1, columns]);
  const mean = nativeOperation('NormDirectionPixelMean', [typeAttribute('T', type)], [pixels]);
  return tf.mul(tf.reshape(mean, [columns]), rows);
}

/** The product of two matrices of one type, each turned around where it says so. */
function product2d(
  a: tf.Tensor,
  b: tf.Tensor,
  { left = false, right = false }: { readonly left?: boolean; readonly right?: boolean },
): tf.Tensor {
  const attributes = [
    boolAttribute('transpose_a', left),
    boolAttribute('transpose_b', right),
    typeAttribute('T', storedFloat(a)),
  ];
  return nativeOperation('MatMul', attributes, [a, b]);
}

/** oneDNN's kernel is no public operation: it is asked for by the name that TensorFlow's graph rewriting uses. */
function fused(x: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
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
