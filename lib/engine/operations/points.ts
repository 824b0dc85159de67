import type * as tf from '@tensorflow/tfjs';
import { operationOutputs } from '../functions/function-definition';
import {
  boolAttribute,
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  storedFloat,
  typeAttribute,
} from '../native';
import type { ConvolutionGeometry } from './winograd';

/** `lib/engine/cpp/operations/points.cc`, there where the processor can. */
const operations = {
  bfloat16: 'NormDirectionPointsBFloat16',
  gradient: 'NormDirectionPointGradient',
} as const;

/** A group of fewer inputs or outputs fills no vector. */
const fewestChannels = 16;

/** Inputs × outputs of a group: the sums of more leave the cache. */
const mostSums = 2 ** 18;

export interface ConvolutionInputs {
  readonly x: tf.Tensor;
  /** [kernelHeight, kernelWidth, channels / groups, outputs] */
  readonly weights: tf.Tensor;
}

/** Of a convolution of 1 × 1 without a stride, where its channels fit this package's operations; otherwise undefined. */
function groupOf(
  { x, weights: { shape } }: ConvolutionInputs,
  { stride, padding }: ConvolutionGeometry,
): { count: number; inputs: number; outputs: number } | undefined {
  const [height, width, inputs = 0, all = 0] = shape;
  const count = (x.shape[3] ?? 0) / inputs;
  const outputs = all / count;
  const point = height === 1 && width === 1 && stride === 1 && padding === 0;
  const wide = inputs >= fewestChannels && outputs >= fewestChannels;
  const fits = Number.isInteger(count) && wide && inputs * outputs <= mostSums;
  return point && fits && hasOwnOperations() ? { count, inputs, outputs } : undefined;
}

/**
 * Whether a convolution of 1 × 1 in groups stays in bfloat16, with its gradients: on processors that multiply such
 * numbers, without a stride, of 16 inputs and 16 outputs or more in each group, and of even numbers of them. TensorFlow
 * has none on a CPU.
 */
export function hasPoints(convolution: ConvolutionInputs, geometry: ConvolutionGeometry): boolean {
  const group = groupOf(convolution, geometry);
  const wanted =
    group !== undefined && group.count > 1 && storedFloat(convolution.x) === 'bfloat16';
  const even = wanted && group.inputs % 2 === 0 && group.outputs % 2 === 0;
  return even && operationOutputs().has(operations.bfloat16);
}

/**
 * That convolution, without gradient: each pixel's outputs are sums over the inputs of their group, in float32 over
 * products of bfloat16 numbers, and rounded. They are the same wherever the pixel stands, and with any number of threads.
 *
 * @param x [batch, height, width, channels], in bfloat16 as the weights and the result
 * @param weights [1, 1, inputs of a group, outputs]
 * @param turned from the outputs back to the inputs: the gradient of the input
 */
export function points(
  x: tf.Tensor,
  weights: tf.Tensor,
  groups: number,
  turned = false,
): tf.Tensor {
  const attributes = [intAttribute('groups', groups), boolAttribute('turned', turned)];
  return nativeOperation(operations.bfloat16, attributes, [x, weights]);
}

/**
 * Whether the gradient of a convolution of 1 × 1 by its weights is computed by this package's own operation: without a
 * stride, of 16 inputs and 16 outputs or more in each group; in bfloat16 with groups. With groups oneDNN's takes two to
 * three times as long.
 */
export function hasPointGradient(
  convolution: ConvolutionInputs,
  geometry: ConvolutionGeometry,
): boolean {
  const group = groupOf(convolution, geometry);
  const type = storedFloat(convolution.x);
  const wanted = group !== undefined && (group.count > 1 || type === 'float32');
  return wanted && operationOutputs().has(operations.gradient);
}

/**
 * That gradient, [1, 1, inputs of a group, outputs] in float32.
 *
 * @param x in float32 or bfloat16, as the gradient of the result
 */
export function pointGradient(x: tf.Tensor, gradient: tf.Tensor, groups: number): tf.Tensor {
  const attributes = [typeAttribute('T', storedFloat(x)), intAttribute('groups', groups)];
  return nativeOperation(operations.gradient, attributes, [x, gradient]);
}
