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
import { castTo, type FloatType } from './activations';
import { oneDnnKernel } from './convolution-gradients';
import { canFuseConvolution } from './fused-convolution';

/**
 * x · weightsᵀ + bias, as PyTorch's `Linear`. On a CPU the bias is added before the products leave the processor's
 * cache, where TensorFlow has oneDNN; the numbers are the same to the bit.
 *
 * @param x [batch, inputs]
 * @param weights [outputs, inputs]
 * @param bias [outputs]
 * @param products in which type numbers are multiplied, there and on the way back; float32 by default. What is given
 * and the result are float32 either way, and so is the gradient of the bias.
 */
export function linear(
  x: tf.Tensor2D,
  weights: tf.Tensor2D,
  bias: tf.Tensor1D,
  products: FloatType = 'float32',
): tf.Tensor2D {
  if (products === 'bfloat16') return roundedLinear(x, weights, bias);
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

function roundedLinear(x: tf.Tensor2D, weights: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  const type = 'bfloat16';
  const output = differentiable([x, weights, bias], () => {
    const [a, b] = [castTo(x, type), castTo(weights, type)];
    const fuses = canFuseConvolution(type);
    const product = fuses ? fused(a, b, castTo(bias, type)) : product2d(a, b, { right: true });
    const value = castTo(product, 'float32');
    return {
      value: fuses ? value : tf.add(value, bias),
      saved: [a, b],
      backward: (gradient, saved) => {
        const rounded = castTo(gradient, type);
        return [
          castTo(product2d(rounded, savedTensor(saved, 1), {}), 'float32'),
          castTo(product2d(rounded, savedTensor(saved, 0), { left: true }), 'float32'),
          tf.sum(gradient, 0),
        ];
      },
    };
  });
  return output as tf.Tensor2D;
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
