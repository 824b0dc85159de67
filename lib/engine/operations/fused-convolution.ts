import * as tf from '@tensorflow/tfjs';
import {
  intAttribute,
  isNative,
  nativeOperation,
  storedFloat,
  stringsAttribute,
  typesAttribute,
} from '../native';
import {
  type ConvolutionOptions,
  explicitPadding,
  nativePadding,
  oneDnnKernel,
} from './convolution-gradients';

/** A convolution with a batch norm folded into it. */
export interface FoldedConvolution {
  /** [kernelHeight, kernelWidth, channels / groups, outputs] */
  readonly weights: tf.Tensor4D;
  /** [outputs] */
  readonly bias: tf.Tensor1D;
}

export interface FusedConvolutionOptions extends ConvolutionOptions {
  /** Added to the result before ReLU. */
  readonly residual?: tf.Tensor4D;
  readonly relu: boolean;
}

/**
 * relu?(convolution(x) + bias + residual?) in one pass over memory; without gradient. oneDNN's kernel
 * for it is no public operation: it is asked for by the name that TensorFlow's graph rewriting uses.
 * Input, weights, bias and residual are all in float32 or all in bfloat16.
 */
export function fusedConvolution(
  x: tf.Tensor4D,
  { weights, bias }: FoldedConvolution,
  { stride = 1, padding = 0, residual, relu }: FusedConvolutionOptions,
): tf.Tensor4D {
  const type = storedFloat(x);
  const { attributes, padFirst } = nativePadding(weights, stride, padding, type);
  const args = residual === undefined ? [bias] : [bias, residual];
  const fused = ['BiasAdd', ...(residual === undefined ? [] : ['Add']), ...(relu ? ['Relu'] : [])];
  return nativeOperation(
    '_MklNativeFusedConv2D',
    [
      ...(padFirst ? explicitPadding(stride, padding, type) : attributes),
      stringsAttribute('fused_ops', fused),
      intAttribute('num_args', args.length),
      intAttribute('num_host_args', 0),
      typesAttribute('TArgs', args.length, type),
      oneDnnKernel,
    ],
    [x, weights, ...args],
  ) as tf.Tensor4D;
}

let available: boolean | undefined;

/** Whether this engine has the fused kernel: oneDNN on a CPU. Tried once, on one pixel. */
export function canFuseConvolution(): boolean {
  if (!isNative()) return false;
  available ??= tf.tidy(() => {
    const folded = { weights: tf.ones<tf.Rank.R4>([1, 1, 1, 1]), bias: tf.ones<tf.Rank.R1>([1]) };
    try {
      const x: tf.Tensor4D = tf.ones([1, 1, 1, 1]);
      return fusedConvolution(x, folded, { residual: x, relu: true }).dataSync()[0] === 3;
    } catch {
      // No kernel of that name: TensorFlow on a GPU, or without oneDNN. The plain operations do.
      return false;
    }
  });
  return available;
}
