import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../errors';
import { differentiable, savedTensor } from '../differentiable';
import {
  intsAttribute,
  isNative,
  nativeOperation,
  type OperationAttribute,
  storedFloat,
  stringAttribute,
  typeAttribute,
} from '../native';
import { castTo, type FloatType, inFloatType, storedAs } from './cast';

export interface ConvolutionOptions {
  readonly stride?: number;
  /** Cells of zeros on each side, as PyTorch's `Conv2d` counts them. */
  readonly padding?: number;
  readonly groups?: number;
}

/**
 * Two-dimensional convolution without bias, as PyTorch's `Conv2d` computes it (symmetric padding).
 *
 * @param x input, [batch, height, width, channels], in float32 or bfloat16; the output is of the same type
 * @param weights [kernelHeight, kernelWidth, channels / groups, outputChannels], in float32, as their gradient
 * @returns [batch, ⌊(height + 2·padding − kernelHeight) / stride⌋ + 1, …, outputChannels]
 * @throws LabError of kind `model` when the shapes do not fit.
 */
export function convolution(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  { stride = 1, padding = 0, groups = 1 }: ConvolutionOptions = {},
): tf.Tensor4D {
  const channels = x.shape[3];
  if (channels !== weights.shape[2] * groups || weights.shape[3] % groups !== 0) {
    throw new LabError({
      kind: 'model',
      what: 'a convolution does not fit its input',
      found: `input [${x.shape.join(', ')}], weights [${weights.shape.join(', ')}], ${groups} groups`,
      remedy: 'Input channels must equal weight depth × groups, and groups divide the outputs',
    });
  }
  if (!isNative()) return plainConvolution(x, weights, stride, padding, groups);
  if (groups === 1) return nativeConvolution(x, weights, stride, padding);
  // TensorFlow has no grouped convolution in bfloat16 on a CPU.
  const wide = nativeConvolution(inFloatType(x, 'float32'), weights, stride, padding);
  return inFloatType(wide, storedFloat(x));
}

/** A number for each channel added; the gradient of the bias is float32, as it is. */
export function addBias(x: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  const type = storedFloat(x);
  if (type === 'float32') return tf.add(x, bias);
  const attributes = [typeAttribute('T', type), stringAttribute('data_format', 'NHWC')];
  const output = differentiable([x, bias], () => ({
    value: nativeOperation('BiasAdd', attributes, [x, castTo(bias, type)]),
    saved: [],
    backward: (gradient) => [
      tf.clone(gradient),
      tf.sum(castTo(gradient, 'float32') as tf.Tensor4D, [0, 1, 2]),
    ],
  }));
  return output as tf.Tensor4D;
}

/** TensorFlow reads the number of groups off a filter that is shallower than its input. */
function nativeConvolution(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  stride: number,
  padding: number,
): tf.Tensor4D {
  const { filling, padFirst } = nativePadding(weights, stride, padding);
  return tf
    .engine()
    .runKernel(
      kernelName,
      { x: padFirst ? padSpatially(x, padding) : x, weights },
      { stride, filling },
    );
}

/**
 * A convolution as a kind of operation of its own, not a `differentiable` one: its gradient gives each
 * input's share only when it is asked for, and nobody asks for that of a batch of images.
 */
const kernelName = 'NormDirectionConvolution';

tf.registerKernel({
  kernelName,
  backendName: 'tensorflow',
  kernelFunc({ inputs, attrs }) {
    const x = given(inputs.x);
    const type = storedFloat(x);
    return nativeOperation('Conv2D', attributesOf(attrs, type), [
      x,
      storedAs(given(inputs.weights), type),
    ]);
  },
});

tf.registerGradient({
  kernelName,
  inputsToSave: ['x', 'weights'],
  gradFunc(gradient, saved, attrs) {
    // One output: the type also knows of kernels with several.
    const of = gradient as tf.Tensor;
    const x = savedTensor(saved, 0);
    const weights = savedTensor(saved, 1);
    return {
      x: () => convolutionInputGradient(of, { x, weights }, attributesOf(attrs, storedFloat(x))),
      weights: () =>
        convolutionWeightsGradient(of, { x, weights }, attributesOf(attrs, storedFloat(x))),
    };
  },
});

function attributesOf(
  { stride, filling }: tf.NamedAttrMap = {},
  type: FloatType = 'float32',
): OperationAttribute[] {
  return convolutionAttributes(Number(stride), filling === 'SAME' ? 'SAME' : 'VALID', type);
}

function given(input: tf.TensorInfo | undefined): tf.TensorInfo {
  if (input === undefined) throw new Error('a convolution lacks an input');
  return input;
}

/** How TensorFlow pads as PyTorch does: by itself, or with zeros put around the input first. */
export function nativePadding(
  weights: tf.Tensor4D,
  stride: number,
  padding: number,
  type: FloatType = 'float32',
): { attributes: OperationAttribute[]; filling: 'SAME' | 'VALID'; padFirst: boolean } {
  const [kernelHeight, kernelWidth] = weights.shape;
  // EXPLICIT padding leaves TensorFlow's fast path on a CPU: SAME where it means the same, else Pad.
  const same = stride === 1 && kernelHeight === 2 * padding + 1 && kernelWidth === 2 * padding + 1;
  const filling = same ? 'SAME' : 'VALID';
  return {
    attributes: convolutionAttributes(stride, filling, type),
    filling,
    padFirst: padding > 0 && !same,
  };
}

interface ConvolutionInputs {
  /** With the zeros that were put around it first. */
  readonly x: tf.Tensor;
  readonly weights: tf.Tensor;
}

/** The gradient of a native convolution by its input. */
export function convolutionInputGradient(
  gradient: tf.Tensor,
  { x, weights }: ConvolutionInputs,
  attributes: readonly OperationAttribute[],
): tf.Tensor {
  const sizes = tf.tensor1d(x.shape, 'int32');
  const filter = storedAs(weights, storedFloat(x));
  return nativeOperation('Conv2DBackpropInput', attributes, [sizes, filter, gradient]);
}

/** The gradient of a native convolution by its weights, in float32. */
export function convolutionWeightsGradient(
  gradient: tf.Tensor,
  { x, weights }: ConvolutionInputs,
  attributes: readonly OperationAttribute[],
): tf.Tensor {
  const sizes = tf.tensor1d(weights.shape, 'int32');
  const stride = strideOf(attributes);
  if (stride > 1 && isNarrowPoint(x, weights)) return withoutStride(gradient, x, sizes, stride);
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
  x: tf.Tensor,
  sizes: tf.Tensor,
  stride: number,
): tf.Tensor {
  const met = tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, stride, stride, 1]);
  const plain = convolutionAttributes(1, 'VALID', 'float32');
  return nativeOperation('Conv2DBackpropFilter', plain, [met, sizes, gradient]);
}

function strideOf(attributes: readonly OperationAttribute[]): number {
  const strides: unknown = attributes.find(({ name }) => name === 'strides')?.value;
  return Array.isArray(strides) ? Number(strides[1]) : 1;
}

function convolutionAttributes(
  stride: number,
  padding: 'SAME' | 'VALID',
  type: FloatType,
): OperationAttribute[] {
  return [
    typeAttribute('T', type),
    intsAttribute('strides', [1, stride, stride, 1]),
    intsAttribute('dilations', [1, 1, 1, 1]),
    stringAttribute('padding', padding),
    stringAttribute('data_format', 'NHWC'),
  ];
}

function plainConvolution(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  stride: number,
  padding: number,
  groups: number,
): tf.Tensor4D {
  // tfjs' plain backends take no zero-size padding object, and gradients of numeric padding are exact.
  const one = (input: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D =>
    tf.conv2d(padding > 0 ? padSpatially(input, padding) : input, filter, stride, 'valid');
  if (groups === 1) return one(x, weights);
  const inputs: tf.Tensor4D[] = tf.split(x, groups, 3);
  const filters: tf.Tensor4D[] = tf.split(weights, groups, 3);
  return tf.concat4d(
    filters.map((filter, group) => one(inputs[group] ?? x, filter)),
    3,
  );
}

/** Zeros around the two middle axes of [batch, height, width, channels]. */
export function padSpatially(x: tf.Tensor4D, padding: number): tf.Tensor4D {
  const widths: [number, number][] = [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ];
  return storedFloat(x) === 'float32' ? tf.pad(x, widths) : padInType(x, widths);
}

/** TensorFlow.js' own pad takes no bfloat16. */
function padInType(x: tf.Tensor4D, widths: [number, number][]): tf.Tensor4D {
  const types = [typeAttribute('T', storedFloat(x))];
  const output = differentiable([x], () => ({
    value: nativeOperation(
      'Pad',
      [...types, typeAttribute('Tpaddings', 'int32')],
      [x, tf.tensor2d(widths, undefined, 'int32')],
    ),
    saved: [],
    backward: (gradient) => [
      nativeOperation(
        'Slice',
        [...types, typeAttribute('Index', 'int32')],
        [
          gradient,
          tf.tensor1d(
            widths.map(([before]) => before),
            'int32',
          ),
          tf.tensor1d(x.shape, 'int32'),
        ],
      ),
    ],
  }));
  return output as tf.Tensor4D;
}
