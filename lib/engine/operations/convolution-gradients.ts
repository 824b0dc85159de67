import * as tf from '@tensorflow/tfjs';
import { modelError } from '../../errors';
import { operationOutputs } from '../functions/function-definition';
import {
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  type OperationAttribute,
  storedFloat,
  stringAttribute,
  typeAttribute,
} from '../native';
import { differentiable } from '../tidy';
import { type FloatType, storedAs } from './activations';
import {
  type ConvolutionInputs,
  hasPointGradient,
  hasPoints,
  pointGradient,
  points,
} from './points';
import { type ConvolutionGeometry, hasWinograd, winograd, winogradGradient } from './winograd';

export interface ConvolutionOptions {
  readonly stride?: number;
  /** Cells of zeros on each side, as PyTorch's `Conv2d` counts them. */
  readonly padding?: number;
  readonly groups?: number;
}

/**
 * How many rows and columns of windows an image of [batch, height, width, channels] holds, as PyTorch counts them.
 *
 * @throws LabError of kind `model` where it holds none.
 */
export function windowCounts(
  { shape }: tf.Tensor4D,
  [windowHeight, windowWidth]: readonly [number, number, ...number[]],
  { stride, padding }: ConvolutionGeometry,
): [number, number] {
  const [, height, width] = shape;
  const rows = Math.floor((height + 2 * padding - windowHeight) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - windowWidth) / stride) + 1;
  if (rows >= 1 && columns >= 1) return [rows, columns];
  throw modelError`a window of ${windowHeight} × ${windowWidth} does not fit into an image with ${padding} zeros on each side: found input [${shape.join(', ')}]. Take larger images, a smaller window or more padding`;
}

/**
 * The shape of a convolution's output.
 *
 * @throws LabError of kind `model` when the shapes do not fit.
 */
export function convolvedShape(
  x: tf.Tensor4D,
  { shape }: tf.Tensor4D,
  { stride = 1, padding = 0, groups = 1 }: ConvolutionOptions,
): [number, number, number, number] {
  const [batch, , , channels] = x.shape;
  const [, , depth, outputs] = shape;
  if (channels !== depth * groups || outputs % groups !== 0) {
    throw modelError`a convolution does not fit its input: found input [${x.shape.join(', ')}], weights [${shape.join(', ')}], ${groups} groups. Input channels must equal weight depth × groups, and groups divide the outputs`;
  }
  return [batch, ...windowCounts(x, shape, { stride, padding }), outputs];
}

/** Asks for oneDNN's kernel of an operation that TensorFlow's graph rewriting names. */
export const oneDnnKernel = stringAttribute('_kernel', 'MklNameChangeOp');

/** Attributes of TensorFlow's convolutions, and whether zeros must be put around their input first. */
interface NativePadding {
  readonly attributes: OperationAttribute[];
  readonly padFirst: boolean;
}

/** How TensorFlow pads as PyTorch does: by itself, or with zeros put around the input first. */
export function nativePadding(
  weights: tf.Tensor4D,
  stride: number,
  padding: number,
  type: FloatType = 'float32',
): NativePadding {
  const [kernelHeight, kernelWidth] = weights.shape;
  // EXPLICIT padding leaves TensorFlow's fast path on a CPU: SAME where it means the same, else Pad.
  const same = stride === 1 && kernelHeight === 2 * padding + 1 && kernelWidth === 2 * padding + 1;
  return {
    attributes: convolutionAttributes(stride, same ? 'SAME' : 'VALID', type),
    padFirst: padding > 0 && !same,
  };
}

/**
 * Attributes with which oneDNN's own convolutions, asked for by their names, take zeros on all sides themselves; only
 * those of the forward pass do.
 */
export function explicitPadding(
  stride: number,
  padding: number,
  type: FloatType,
): OperationAttribute[] {
  const sides = [0, 0, padding, padding, padding, padding, 0, 0];
  return [
    ...convolutionAttributes(stride, 'EXPLICIT', type),
    intAttribute('explicit_paddings', sides),
  ];
}

function convolutionAttributes(
  stride: number,
  padding: 'SAME' | 'VALID' | 'EXPLICIT',
  type: FloatType,
): OperationAttribute[] {
  return [
    typeAttribute('T', type),
    intAttribute('strides', [1, stride, stride, 1]),
    intAttribute('dilations', [1, 1, 1, 1]),
    stringAttribute('padding', padding),
    stringAttribute('data_format', 'NHWC'),
  ];
}

/** Zeros, or in float32 another value, around the two middle axes of [batch, height, width, channels]. */
export function padSpatially(x: tf.Tensor4D, padding: number, value = 0): tf.Tensor4D {
  const widths: [number, number][] = [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ];
  return storedFloat(x) === 'float32' ? tf.pad(x, widths, value) : padInType(x, widths, padding);
}

/** TensorFlow.js' own pad takes no bfloat16. */
function padInType(x: tf.Tensor4D, widths: [number, number][], padding: number): tf.Tensor4D {
  const output = differentiable([x], () => ({
    value: nativeOperation(
      'Pad',
      [typeAttribute('T', storedFloat(x)), typeAttribute('Tpaddings', 'int32')],
      [x, tf.tensor2d(widths, undefined, 'int32')],
    ),
    saved: [],
    backward: (gradient) => [withoutPadding(gradient, x.shape, padding)],
  }));
  return output as tf.Tensor4D;
}

/** The inner part of what `padSpatially` gave. */
function withoutPadding(padded: tf.Tensor, shape: readonly number[], padding: number): tf.Tensor {
  return nativeOperation(
    'Slice',
    [typeAttribute('T', storedFloat(padded)), typeAttribute('Index', 'int32')],
    [padded, tf.tensor1d([0, padding, padding, 0], 'int32'), tf.tensor1d([...shape], 'int32')],
  );
}

/**
 * This package's own operations (`lib/engine/cpp/operations`, `filter_gradient.cc` and `input_gradient.cc`), there where
 * the processor can.
 */
const operations = {
  float32: 'NormDirectionFilterGradient',
  bfloat16: 'NormDirectionFilterGradientBFloat16',
  input: 'NormDirectionInputGradient',
} as const;

export interface FilterGradientInputs {
  /** Of the convolution's output, [batch, rows, columns, outputs]. */
  readonly gradient: tf.Tensor;
  /** [batch, height, width, inputs], without the zeros around it. */
  readonly x: tf.Tensor;
  /** [kernelHeight, kernelWidth, inputs, outputs] */
  readonly shape: readonly number[];
  readonly stride: number;
}

/** Larger images leave the processor's cache when they are packed. */
const mostNumbers = 2 ** 18;

/** With more, products by the weights leave it, and oneDNN is the faster one. */
const mostOutputs = 128;

/**
 * Whether the gradient of a convolution by its weights is computed by this package's own operation: on processors
 * with AVX512 (in bfloat16 AVX512-BF16), for channels by sixteen and images that the cache holds, where it is the
 * faster one. oneDNN's takes up to twice as long in bfloat16; inside of PyTorch it does not.
 */
export function hasFilterGradient({ gradient, x, shape, stride }: FilterGradientInputs): boolean {
  const [height = 0, , inputs = 0, outputs = 0] = shape;
  const [, , columns = 0] = gradient.shape;
  const type = storedFloat(gradient);
  const fits = inputs === x.shape[3] && inputs % 16 === 0 && outputs % 16 === 0;
  const small = x.size <= mostNumbers * (x.shape[0] ?? 1);
  const faster = type === 'bfloat16' ? columns % 2 === 0 : height > 1 && stride > 1;
  return fits && small && faster && hasOwnOperations() && operationOutputs().has(operations[type]);
}

/** That gradient, of the weights' shape, summed up in float32. */
export function filterGradient(
  { gradient, x, shape: [height = 1, width = 1], stride }: FilterGradientInputs,
  padding: number,
): tf.Tensor {
  const attributes = windowAttributes([height, width], { stride, padding });
  return nativeOperation(operations[storedFloat(gradient)], attributes, [x, gradient]);
}

function windowAttributes(
  [height, width]: readonly [number, number],
  { stride, padding }: ConvolutionGeometry,
): OperationAttribute[] {
  return [
    intAttribute('height', height),
    intAttribute('width', width),
    intAttribute('stride', stride),
    intAttribute('padding', padding),
  ];
}

/**
 * Whether the gradient of a convolution by its input is computed by this package's own operation: in float32, with a
 * stride, channels by sixteen, of them and of pixels no more than the cache holds. TensorFlow's comes with the zeros that
 * were put around the input, and is then copied without them.
 */
export function hasInputGradient(
  { x, weights: { shape } }: ConvolutionInputs,
  { stride }: ConvolutionGeometry,
): boolean {
  const [, , inputs = 0, outputs = 0] = shape;
  const fits = inputs === x.shape[3] && inputs % 16 === 0 && outputs % 16 === 0;
  const small = x.size <= mostNumbers * (x.shape[0] ?? 1) && outputs <= mostOutputs;
  const wanted = stride > 1 && small && storedFloat(x) === 'float32';
  return fits && wanted && hasOwnOperations() && operationOutputs().has(operations.input);
}

/** That gradient, of the input's shape. */
export function inputGradient(
  gradient: tf.Tensor,
  { x, weights }: ConvolutionInputs,
  geometry: ConvolutionGeometry,
): tf.Tensor {
  const [height = 1, width = 1] = weights.shape;
  const sizes = tf.tensor1d(x.shape, 'int32');
  const attributes = windowAttributes([height, width], geometry);
  return nativeOperation(operations.input, attributes, [sizes, weights, gradient]);
}

/** The gradients of a native convolution, each computed when it is asked for; that of the weights is float32. */
export function convolutionGradients(
  gradient: tf.Tensor,
  inputs: ConvolutionInputs,
  geometry: ConvolutionGeometry,
): { x(): tf.Tensor; weights(): tf.Tensor } {
  const { x, weights } = inputs;
  const { stride, padding } = geometry;
  const groups = (x.shape[3] ?? 0) / (weights.shape[2] ?? NaN);
  const byWinograd = (pass: 'input' | 'weights'): boolean =>
    hasWinograd(pass, x, weights, geometry);
  const { attributes, padFirst } = nativePadding(
    weights as tf.Tensor4D,
    stride,
    padding,
    storedFloat(x),
  );
  return {
    x() {
      if (byWinograd('input')) {
        return winograd(gradient, storedAs(weights, storedFloat(gradient)), { turned: true });
      }
      if (hasPoints(inputs, geometry)) {
        return points(gradient, storedAs(weights, 'bfloat16'), groups, true);
      }
      if (hasInputGradient(inputs, geometry)) return inputGradient(gradient, inputs, geometry);
      if (!padFirst) return convolutionInputGradient(gradient, x.shape, weights, attributes);
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const padded = [batch, height + 2 * padding, width + 2 * padding, channels];
      const whole = convolutionInputGradient(gradient, padded, weights, attributes);
      return withoutPadding(whole, x.shape, padding);
    },
    weights() {
      const own = { gradient, x, shape: weights.shape, stride };
      // In float32 it takes convolutions with a stride alone, Winograd's products those without.
      if (hasFilterGradient(own)) return filterGradient(own, padding);
      if (byWinograd('weights')) return winogradGradient(x, gradient);
      if (hasPointGradient(inputs, geometry)) return pointGradient(x, gradient, groups);
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
export function convolutionInputGradient(
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
export function convolutionWeightsGradient(
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
