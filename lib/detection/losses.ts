import * as tf from '@tensorflow/tfjs';
import { closedForm } from '../losses/closed-form';

/**
 * Binary cross entropy of logits, summed: Σ max(z, 0) − z·t + log(1 + e^−|z|).
 *
 * @param logits any shape
 * @param targets the same shape, 0 or 1
 */
export function binaryCrossEntropySum(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  return closedForm(logits, () => ({
    value: tf.sum<tf.Scalar>(tf.sub(tf.softplus(logits), tf.mul(logits, targets))),
    gradient: tf.sub(tf.sigmoid(logits), targets),
  }));
}

/**
 * Smooth L1, summed: with d = |x − target|, d²/(2β) below β and d − β/2 from there on; d alone where
 * β is 0 (detectron2's setting), whose gradient at d = 0 is 0.
 */
export function smoothL1Sum(
  x: tf.Tensor,
  target: tf.Tensor,
  { beta = 0 }: { readonly beta?: number } = {},
): tf.Scalar {
  return closedForm(x, () => {
    const difference = tf.sub(x, target);
    const distance = tf.abs(difference);
    if (beta === 0) {
      return { value: tf.sum<tf.Scalar>(distance), gradient: tf.sign(difference) };
    }
    const inside = tf.less(distance, beta);
    return {
      value: tf.sum<tf.Scalar>(
        tf.where(inside, tf.div(tf.square(difference), 2 * beta), tf.sub(distance, beta / 2)),
      ),
      gradient: tf.where(inside, tf.div(difference, beta), tf.sign(difference)),
    };
  });
}
