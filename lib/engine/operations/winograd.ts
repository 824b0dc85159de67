import type * as tf from '@tensorflow/tfjs';
import { operationOutputs } from '../functions/function-definition';
import {
  boolAttribute,
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  storedFloat,
} from '../native';

/** `lib/engine/cpp/operations/winograd.cc`, there where the processor can. */
const operations = {
  convolution: 'NormDirectionWinograd',
  gradient: 'NormDirectionWinogradGradient',
} as const;

/** Channels are taken by so many. */
const channels = 16;

/** A convolution, as far as it decides who computes it. */
interface Geometry {
  readonly stride: number;
  readonly padding: number;
}

/**
 * Whether a convolution and its gradients are computed with Winograd's F(2 × 2, 3 × 3): kernels of 3 × 3 without a
 * stride, zeros all around, channels by sixteen, in float32. Of its products it takes 16 where 36 are written out.
 */
export function hasWinograd(
  x: tf.Tensor,
  { shape: [height, width, inputs = 0, outputs = 0] }: tf.Tensor,
  { stride, padding }: Geometry,
): boolean {
  const fits = height === 3 && width === 3 && stride === 1 && padding === 1;
  const whole = inputs % channels === 0 && outputs % channels === 0 && x.shape[3] === inputs;
  return (
    fits &&
    whole &&
    hasOwnOperations() &&
    storedFloat(x) === 'float32' &&
    operationOutputs().has(operations.convolution)
  );
}

interface WinogradOptions {
  /** A bias, or a bias and a residual of the result's shape: added to it. */
  readonly more?: readonly tf.Tensor[];
  readonly relu?: boolean;
  /** From the outputs back to the inputs, with the kernel turned around: the gradient of the input. */
  readonly turned?: boolean;
}

/**
 * relu?(convolution(x) + bias? + residual?), without gradient. Each number of the result is the same wherever its image
 * stands in a batch, and with any number of threads.
 *
 * @param x [batch, height, width, channels]
 * @param weights [3, 3, inputs, outputs]
 */
export function winograd(
  x: tf.Tensor,
  weights: tf.Tensor,
  { more = [], relu = false, turned = false }: WinogradOptions = {},
): tf.Tensor {
  return nativeOperation(
    operations.convolution,
    [
      intAttribute('count', more.length),
      boolAttribute('relu', relu),
      boolAttribute('turned', turned),
    ],
    [x, weights, ...more],
  );
}

/** The gradient of the weights, [3, 3, inputs, outputs], from the input and the gradient of the result. */
export function winogradGradient(x: tf.Tensor, gradient: tf.Tensor): tf.Tensor {
  return nativeOperation(operations.gradient, [], [x, gradient]);
}
