import * as tf from '@tensorflow/tfjs';
import type { ValueAndGradient } from './closed-form';

/** `mean over all entries of (x − wanted)²` with its gradient with respect to `x`; both of one shape. */
export function meanSquaredDifference(x: tf.Tensor, wanted: tf.Tensor): ValueAndGradient {
  const difference = tf.sub(x, wanted);
  return {
    value: tf.mean<tf.Scalar>(tf.square(difference)),
    gradient: tf.mul(difference, 2 / x.size),
  };
}
