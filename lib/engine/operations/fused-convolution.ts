import * as tf from '@tensorflow/tfjs';
import { modelError } from '../../errors';
import {
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  storedFloat,
  stringAttribute,
  typesAttribute,
} from '../native';
import { type FloatType, inFloatType, storedAs } from './activations';
import {
  type ConvolutionOptions,
  convolvedShape,
  explicitPadding,
  nativePadding,
  oneDnnKernel,
} from './convolution-gradients';
import { hasWinograd, winograd } from './winograd';

/** A convolution with a batch norm folded into it. */
export interface FoldedConvolution {
  /** [kernelHeight, kernelWidth, channels / groups, outputs] */
  readonly weights: tf.Tensor4D;
  /** [outputs] */
  readonly bias: tf.Tensor1D;
}

interface FusedConvolutionOptions extends ConvolutionOptions {
  /** Added to the result before ReLU. */
  readonly residual?: tf.Tensor4D;
  readonly relu: boolean;
}

/**
 * relu?(convolution(x) + bias + residual?) in one pass over memory; without gradient. oneDNN's kernel
 * for it is no public operation: it is asked for by the name that TensorFlow's graph rewriting uses.
 * Input, weights, bias and residual are all in float32 or all in bfloat16.
 *
 * @throws LabError of kind `model` when the shapes do not fit.
 */
export function fusedConvolution(
  x: tf.Tensor4D,
  { weights, bias }: FoldedConvolution,
  { stride = 1, padding = 0, groups = 1, residual, relu }: FusedConvolutionOptions,
): tf.Tensor4D {
  const shape = convolvedShape(x, weights, { stride, padding, groups });
  if (residual) requireResidual(residual, shape);
  const args = residual === undefined ? [bias] : [bias, residual];
  if (hasWinograd('forward', x, weights, { stride, padding })) {
    return winograd(x, weights, { more: args, relu }) as tf.Tensor4D;
  }
  const type = storedFloat(x);
  if (x.shape[0] === 0) return withoutImages(shape, type);
  const { attributes, padFirst } = nativePadding(weights, stride, padding, type);
  const fused = ['BiasAdd', ...(residual === undefined ? [] : ['Add']), ...(relu ? ['Relu'] : [])];
  return nativeOperation(
    '_MklNativeFusedConv2D',
    [
      ...(padFirst ? explicitPadding(stride, padding, type) : attributes),
      stringAttribute('fused_ops', fused),
      intAttribute('num_args', args.length),
      intAttribute('num_host_args', 0),
      typesAttribute('TArgs', args.length, type),
      oneDnnKernel,
    ],
    [x, weights, ...args],
  ) as tf.Tensor4D;
}

/**
 * Refuses what would be stretched to the output, or read past its end.
 *
 * @throws LabError of kind `model` for a residual of another shape than the output.
 */
export function requireResidual(
  residual: tf.Tensor4D,
  output: [number, number, number, number],
): void {
  if (tf.util.arraysEqual(residual.shape, output)) return;
  throw modelError`a residual does not fit its convolution: found residual [${residual.shape.join(', ')}], output [${output.join(', ')}]. They must be of the same shape`;
}

/** A convolution's output for no images, where oneDNN's would be of the input's shape. */
export function withoutImages(
  shape: [number, number, number, number],
  type: FloatType,
): tf.Tensor4D {
  return storedAs(tf.zeros<tf.Rank.R4>(shape), type) as tf.Tensor4D;
}

/** Whether `fusedConvolution` takes this one here: oneDNN's kernel takes no groups. */
export function canFuse(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  { stride = 1, padding = 0, groups = 1 }: ConvolutionOptions,
): boolean {
  if (!canFuseConvolution(storedFloat(x))) return false;
  return groups === 1 || hasWinograd('forward', x, weights, { stride, padding });
}

const available = new Map<FloatType, boolean>();

/**
 * Whether this engine has the fused kernel: oneDNN on a CPU, for bfloat16 on one with AVX512. Tried once for each
 * type, on one pixel.
 */
export function canFuseConvolution(type: FloatType = 'float32'): boolean {
  if (!hasOwnOperations()) return false;
  const known = available.get(type);
  if (known !== undefined) return known;
  const found = tf.tidy(() => {
    const one = <Rank extends tf.Rank>(shape: tf.ShapeMap[Rank]): tf.Tensor<Rank> =>
      inFloatType(tf.ones<Rank>(shape), type);
    try {
      const x = one<tf.Rank.R4>([1, 1, 1, 1]);
      const folded = { weights: one<tf.Rank.R4>([1, 1, 1, 1]), bias: one<tf.Rank.R1>([1]) };
      const sum = fusedConvolution(x, folded, { residual: x, relu: true });
      return inFloatType(sum, 'float32').dataSync()[0] === 3;
    } catch {
      // No kernel of that name, or none for the type: TensorFlow without oneDNN. The plain operations do.
      return false;
    }
  });
  available.set(type, found);
  return found;
}
