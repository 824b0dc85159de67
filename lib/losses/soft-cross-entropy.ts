import * as tf from '@tensorflow/tfjs';
import { requireSameMatrix } from './checks';
import { closedForm } from './closed-form';
import { oneHotLabels } from './cross-entropy';

/**
 * Cross entropy with soft labels: `−mean_i Σ_k y_ik · log softmax(z_i)_k`.
 *
 * @param logits `[batch, classes]`
 * @param targets `[batch, classes]`, rows that sum to 1, held constant
 * @throws LabError when the shapes differ.
 */
export function softCrossEntropyLoss(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  requireSameMatrix('soft cross entropy', ['logits', logits], ['targets', targets]);
  return closedForm(logits, () => {
    const [batch] = logits.shape;
    const logProbabilities = tf.logSoftmax(logits);
    const mass = tf.sum(targets, 1, true);
    return {
      value: tf.div<tf.Scalar>(tf.sum(tf.mul(targets, logProbabilities)), -batch),
      gradient: tf.div(tf.sub(tf.mul(tf.exp(logProbabilities), mass), targets), batch),
    };
  });
}

/**
 * Smoothed labels (Szegedy et al., arXiv 1512.00567): `1 − smoothing + smoothing / classes` at the label
 * and `smoothing / classes` elsewhere.
 *
 * @param labels int32 `[batch]`
 */
export function smoothedLabels(
  labels: tf.Tensor1D,
  classes: number,
  smoothing: number,
): tf.Tensor2D {
  const hard = oneHotLabels(labels, classes);
  return smoothing === 0 ? hard : tf.add(tf.mul(hard, 1 - smoothing), smoothing / classes);
}
