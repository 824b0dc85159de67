import * as tf from '@tensorflow/tfjs';

/** Keeps the division finite, as PyTorch does. */
const tiny = 1e-6;

/**
 * All gradients times min(1, limit / (‖g‖₂ + 1e-6)), ‖g‖₂ over all of them together: PyTorch's
 * `clip_grad_norm_`. The caller owns (or tidies) what comes back.
 */
export function clipByGlobalNorm(gradients: readonly tf.Tensor[], limit: number): tf.Tensor[] {
  return tf.tidy(() => {
    const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(tf.addN(squares));
    const factor = tf.minimum(tf.div(limit, tf.add(norm, tiny)), 1);
    return gradients.map((gradient) => tf.mul(gradient, factor));
  });
}
