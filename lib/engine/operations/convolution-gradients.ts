import * as tf from '@tensorflow/tfjs';
import { nativeOperation, type OperationAttribute, storedFloat } from '../native';
import { storedAs } from './cast';
import {
  convolutionAttributes,
  nativePadding,
  padSpatially,
  withoutPadding,
} from './convolution-padding';
import { filterGradient, hasFilterGradient } from './filter-gradient';

interface ConvolutionInputs {
  readonly x: tf.Tensor;
  readonly weights: tf.Tensor;
}

/** Of a native convolution. */
export interface ConvolutionGeometry {
  readonly stride: number;
  readonly padding: number;
}

/** The gradients of a native convolution, each computed when it is asked for; that of the weights is float32. */
export function convolutionGradients(
  gradient: tf.Tensor,
  { x, weights }: ConvolutionInputs,
  { stride, padding }: ConvolutionGeometry,
): { x(): tf.Tensor; weights(): tf.Tensor } {
  const { attributes, padFirst } = nativePadding(
    weights as tf.Tensor4D,
    stride,
    padding,
    storedFloat(x),
  );
  return {
    x() {
      if (!padFirst) return convolutionInputGradient(gradient, x.shape, weights, attributes);
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const padded = [batch, height + 2 * padding, width + 2 * padding, channels];
      const whole = convolutionInputGradient(gradient, padded, weights, attributes);
      return withoutPadding(whole, x.shape, padding);
    },
    weights() {
      const own = { gradient, x, shape: weights.shape, stride };
      if (hasFilterGradient(own)) return filterGradient(own, padding);
      const padded = padFirst ? padSpatially(x as tf.Tensor4D, padding) : x;
      if (stride > 1 && isNarrowPoint(x, weights)) {
        return withoutStride(gradient, { x: padded, weights }, stride);
      }
      return convolutionWeightsGradient(gradient, { x: padded, weights }, attributes);
    },
  };
}

/**
 * The gradient of TensorFlow's convolution by its input.
 *
 * @param shape of the input, with the zeros that were put around it first
 */
function convolutionInputGradient(
  gradient: tf.Tensor,
  shape: readonly number[],
  weights: tf.Tensor,
  attributes: readonly OperationAttribute[],
): tf.Tensor {
  const sizes = tf.tensor1d([...shape], 'int32');
  const filter = storedAs(weights, storedFloat(gradient));
  return nativeOperation('Conv2DBackpropInput', attributes, [sizes, filter, gradient]);
}

/**
 * The gradient of TensorFlow's convolution by its weights, in float32.
 *
 * @param inputs x with the zeros that were put around it first
 */
function convolutionWeightsGradient(
  gradient: tf.Tensor,
  { x, weights }: ConvolutionInputs,
  attributes: readonly OperationAttribute[],
): tf.Tensor {
  const sizes = tf.tensor1d(weights.shape, 'int32');
  const result = nativeOperation('Conv2DBackpropFilter', attributes, [x, sizes, gradient]);
  return storedAs(result, 'float32');
}

/**
 * Below so many input channels oneDNN, in TensorFlow 2.21, writes past its memory in the gradient by the
 * weights of a 1 × 1 convolution with a stride: seen with up to 8 inputs and up to 16 outputs in float32.
 */
const fewInputs = 16;

function isNarrowPoint(x: tf.Tensor, { shape: [height, width, inputs = 0] }: tf.Tensor): boolean {
  const whole = x.shape[3] === inputs;
  return whole && height === 1 && width === 1 && inputs < fewInputs && storedFloat(x) === 'float32';
}

/** What a 1 × 1 kernel skips plays no part: the same gradient, from the pixels that it meets. */
function withoutStride(
  gradient: tf.Tensor,
  { x, weights }: ConvolutionInputs,
  stride: number,
): tf.Tensor {
  const met = tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, stride, stride, 1]);
  const plain = convolutionAttributes(1, 'VALID', 'float32');
  return convolutionWeightsGradient(gradient, { x: met, weights }, plain);
}
