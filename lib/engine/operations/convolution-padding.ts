import * as tf from '@tensorflow/tfjs';
import { differentiable } from '../differentiable';
import {
  intsAttribute,
  nativeOperation,
  type OperationAttribute,
  storedFloat,
  stringAttribute,
  typeAttribute,
} from '../native';
import type { FloatType } from './cast';

export interface ConvolutionOptions {
  readonly stride?: number;
  /** Cells of zeros on each side, as PyTorch's `Conv2d` counts them. */
  readonly padding?: number;
  readonly groups?: number;
}

/** Asks for oneDNN's kernel of an operation that TensorFlow's graph rewriting names. */
export const oneDnnKernel = stringAttribute('_kernel', 'MklNameChangeOp');

/** Attributes of TensorFlow's convolutions, and whether zeros must be put around their input first. */
export interface NativePadding {
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
    intsAttribute('explicit_paddings', sides),
  ];
}

export function convolutionAttributes(
  stride: number,
  padding: 'SAME' | 'VALID' | 'EXPLICIT',
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

/** Zeros around the two middle axes of [batch, height, width, channels]. */
export function padSpatially(x: tf.Tensor4D, padding: number): tf.Tensor4D {
  const widths: [number, number][] = [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ];
  return storedFloat(x) === 'float32' ? tf.pad(x, widths) : padInType(x, widths, padding);
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
export function withoutPadding(
  padded: tf.Tensor,
  shape: readonly number[],
  padding: number,
): tf.Tensor {
  return nativeOperation(
    'Slice',
    [typeAttribute('T', storedFloat(padded)), typeAttribute('Index', 'int32')],
    [padded, tf.tensor1d([0, padding, padding, 0], 'int32'), tf.tensor1d([...shape], 'int32')],
  );
}
