import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../differentiable';

/** x · Φ(x) with the normal distribution's Φ(x) = (1 + erf(x / √2)) / 2, as PyTorch's `GELU()`. Any shape. */
export function gelu<T extends tf.Tensor>(x: T): T {
  const output = differentiable([x], () => ({
    value: tf.mul(x, below(x)),
    // Φ is computed again on the way back: kept, it would be a third tensor of the widest size.
    saved: [x],
    backward: (gradient, saved) => {
      const input = savedTensor(saved, 0);
      const density = tf.mul(tf.exp(tf.mul(tf.square(input), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return [tf.mul(gradient, tf.add(below(input), tf.mul(input, density)))];
    },
  }));
  return output as T;
}

/** Φ(x) */
function below(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
}
