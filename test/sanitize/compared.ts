import * as tf from '@tensorflow/tfjs';
import { castTo, type FloatType, inFloatType } from '../../lib/engine/operations/activations';
import type { Random } from '../../lib/engine/random';

/** What this package's operation gave, what TensorFlow's own gave, and how far apart they may be. */
export interface Compared {
  readonly name: string;
  readonly found: tf.Tensor;
  readonly expected: tf.Tensor;
  /** Of the largest expected number. */
  readonly tolerance: number;
}

/** Sums in another order. */
export const inFloat32 = 2e-4;
/** Eight bits. */
export const inBFloat16 = 2 ** -6;

/** Draws from 1 on, small ones more often; now and then one beyond the vectors and tiles of the loops. */
export const size = (draw: Random, most: number): number =>
  1 + draw.integer(draw.integer(3) === 0 ? most : Math.min(most, 5));

export const normal = (shape: number[], draw: Random): tf.Tensor =>
  tf.randomNormal(shape, 0, 1, 'float32', draw.integer(2 ** 30));

/** Rounded to the type and back: what an operation in it is given. */
export const rounded = (x: tf.Tensor, type: FloatType): tf.Tensor =>
  castTo(inFloatType(x, type), 'float32');

export const typeOf = (draw: Random): FloatType => (draw.integer(2) === 0 ? 'float32' : 'bfloat16');
