import * as tf from '@tensorflow/tfjs';
import type { Random } from '../random';

/**
 * Zeroes each entry with the given probability and scales the others by 1 / (1 − probability), as
 * PyTorch's `Dropout` in training. The mask is drawn from the given generator, so that it is the same
 * on every engine.
 */
export function dropout<T extends tf.Tensor>(x: T, probability: number, random: Random): T {
  if (probability === 0) return x;
  const scale = 1 / (1 - probability);
  const mask = Float32Array.from({ length: x.size }, () =>
    random.uniform() < probability ? 0 : scale,
  );
  return tf.mul(x, tf.tensor(mask, x.shape));
}
