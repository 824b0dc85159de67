import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../differentiable';

/** Scale γ and shift β, both [size]. */
export interface LayerNormWeights {
  readonly scale: tf.Tensor1D;
  readonly shift: tf.Tensor1D;
}

/**
 * Layer norm: γ · (x − mean) / √(biased variance + ε) + β over the last axis, as PyTorch's `LayerNorm`.
 *
 * @param x [rows, size]
 */
export function layerNorm(
  x: tf.Tensor2D,
  { scale, shift }: LayerNormWeights,
  epsilon: number,
): tf.Tensor2D {
  const output = differentiable([x, scale, shift], () => {
    const centred = tf.sub(x, tf.mean(x, 1, true));
    const variance = tf.mean(tf.square(centred), 1, true);
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    const normalised = tf.mul(centred, inverse);
    return {
      value: tf.add(tf.mul(normalised, scale), shift),
      saved: [normalised, inverse, scale],
      backward: (gradient, saved) => layerNormGradients(gradient, saved),
    };
  });
  return output as tf.Tensor2D;
}

/** With n = normalised x and g = γ · gradient: (g − mean(g) − n · mean(g · n)) / √(variance + ε). */
function layerNormGradients(gradient: tf.Tensor, saved: readonly tf.Tensor[]): tf.Tensor[] {
  const normalised = savedTensor(saved, 0);
  const inverse = savedTensor(saved, 1);
  const scaled = tf.mul(gradient, savedTensor(saved, 2));
  const along = tf.mean(tf.mul(scaled, normalised), 1, true);
  const free = tf.sub(tf.sub(scaled, tf.mean(scaled, 1, true)), tf.mul(normalised, along));
  return [tf.mul(free, inverse), tf.sum(tf.mul(gradient, normalised), 0), tf.sum(gradient, 0)];
}
