import type * as tf from '@tensorflow/tfjs';
import { type ConvolutionPass, convolutionPasses } from '../describe';
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

let chosen: ReadonlySet<ConvolutionPass> = new Set(convolutionPasses);

/** Chooses the passes that Winograd's products compute, there where they can; all of them until then. */
export function useWinograd(passes: readonly ConvolutionPass[]): void {
  chosen = new Set(passes);
}

/** Whether this engine has the operations at all, on this path and processor. */
export function knowsWinograd(): boolean {
  return hasOwnOperations() && operationOutputs().has(operations.convolution);
}

/** A convolution, as far as it decides who computes it. */
interface Geometry {
  readonly stride: number;
  readonly padding: number;
}

/**
 * Whether a pass of a convolution is computed with Winograd's F(2 × 2, 3 × 3): kernels of 3 × 3 without a stride,
 * zeros all around, channels by sixteen, in float32, where `useWinograd` chose it. Of its products it takes 16 where
 * 36 are written out.
 */
export function hasWinograd(
  pass: ConvolutionPass,
  x: tf.Tensor,
  { shape: [height, width, inputs = 0, outputs = 0] }: tf.Tensor,
  { stride, padding }: Geometry,
): boolean {
  const fits = height === 3 && width === 3 && stride === 1 && padding === 1;
  const whole = inputs % channels === 0 && outputs % channels === 0 && x.shape[3] === inputs;
  return fits && whole && chosen.has(pass) && knowsWinograd() && storedFloat(x) === 'float32';
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
