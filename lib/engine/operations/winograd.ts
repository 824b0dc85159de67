import type * as tf from '@tensorflow/tfjs';
import { type ConvolutionPass, convolutionPasses } from '../describe';
import { operationOutputs } from '../functions/function-definition';
import {
  boolAttribute,
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  storedFloat,
  typeAttribute,
} from '../native';

/** `lib/engine/cpp/operations/winograd.cc`, there where the processor can. */
const operations = {
  float32: 'NormDirectionWinograd',
  bfloat16: 'NormDirectionWinogradBFloat16',
  gradient: 'NormDirectionWinogradGradient',
} as const;

/** Channels are taken by so many. */
const channels = 16;

/** Inputs × outputs: the transforms of more leave the cache, and oneDNN is faster. */
const mostProducts = 2 ** 17;

let chosen: ReadonlySet<ConvolutionPass> = new Set(convolutionPasses);

/** Chooses the passes that Winograd's products compute, there where they can; all of them until then. */
export function useWinograd(passes: readonly ConvolutionPass[]): void {
  chosen = new Set(passes);
}

/** The passes that this engine has operations for, on this path and processor. */
export function winogradPasses(): ConvolutionPass[] {
  if (!hasOwnOperations()) return [];
  const known = operationOutputs();
  return convolutionPasses.filter((pass) =>
    known.has(operations[pass.endsWith('bf16') ? 'bfloat16' : 'float32']),
  );
}

/** Of a native convolution. */
export interface ConvolutionGeometry {
  readonly stride: number;
  readonly padding: number;
}

/**
 * Whether a pass of a convolution is computed with Winograd's products: kernels of 3 × 3 without a stride, zeros all
 * around, channels by sixteen, where `useWinograd` chose it for the input's type. In float32 it takes 36 of them where
 * 144 are written out, F(4 × 4, 3 × 3), in bfloat16 16 for 36, F(2 × 2, 3 × 3). The gradient of the weights is
 * multiplied in float32 in either type; with groups there is none for a gradient.
 */
export function hasWinograd(
  pass: 'forward' | 'input' | 'weights',
  x: tf.Tensor,
  { shape: [height, width, inputs = 0, outputs = 0] }: tf.Tensor,
  { stride, padding }: ConvolutionGeometry,
): boolean {
  const fits = height === 3 && width === 3 && stride === 1 && padding === 1;
  const groups = (x.shape[3] ?? 0) / inputs;
  const whole = inputs % channels === 0 && (outputs / groups) % channels === 0;
  const grouped = groups === 1 || (pass === 'forward' && Number.isInteger(groups));
  const small = (inputs * outputs) / groups <= mostProducts;
  if (!fits || !whole || !grouped || !small || !hasOwnOperations()) return false;
  const known = operationOutputs();
  if (pass === 'weights') return chosen.has(pass) && known.has(operations.gradient);
  const type = storedFloat(x);
  const wanted = type === 'bfloat16' ? (`${pass} in bf16` as const) : pass;
  return chosen.has(wanted) && known.has(operations[type]);
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
 * stands in a batch, and with any number of threads. In float32 its sums are off by twice as much as written-out ones
 * of 64 channels: 0.8e-6 of their size on average. In bfloat16 the transforms are rounded before they are multiplied:
 * over random numbers 0.42 % off, where the rounding of the result alone makes 0.17 %.
 *
 * @param x [batch, height, width, channels], in float32 or bfloat16, as all that is given and the result
 * @param weights [3, 3, channels / groups, outputs]; `turned` takes no groups
 */
export function winograd(
  x: tf.Tensor,
  weights: tf.Tensor,
  { more = [], relu = false, turned = false }: WinogradOptions = {},
): tf.Tensor {
  return nativeOperation(
    operations[storedFloat(x)],
    [
      intAttribute('count', more.length),
      boolAttribute('relu', relu),
      boolAttribute('turned', turned),
    ],
    [x, weights, ...more],
  );
}

/**
 * The gradient of the weights, [3, 3, inputs, outputs] in float32, from the input and the gradient of the result, both
 * in float32 or bfloat16.
 */
export function winogradGradient(x: tf.Tensor, gradient: tf.Tensor): tf.Tensor {
  return nativeOperation(operations.gradient, [typeAttribute('T', storedFloat(x))], [x, gradient]);
}
