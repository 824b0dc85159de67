import * as tf from '@tensorflow/tfjs';
import { closedForm, requireLabels, requireSameMatrix, requireShare } from './checks';

/**
 * Cross entropy with hard labels: `mean_i −log softmax(z_i)[y_i]`.
 *
 * @param logits `[batch, classes]`
 * @param labels int32 `[batch]`
 * @throws LabError when the shapes do not fit.
 */
export function crossEntropyLoss(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  requireLabels('cross entropy', labels, ['logits', logits]);
  return closedForm(logits, () => {
    const [batch, classes] = logits.shape;
    const target = oneHotLabels(labels, classes);
    const logProbabilities = tf.logSoftmax(logits);
    return {
      value: tf.div<tf.Scalar>(tf.sum(tf.mul(target, logProbabilities)), -batch),
      gradient: tf.div(tf.sub(tf.exp(logProbabilities), target), batch),
    };
  });
}

/** Labels `[batch]` as rows of zeros with one 1: float32 `[batch, classes]`. */
export function oneHotLabels(labels: tf.Tensor1D, classes: number): tf.Tensor2D {
  // tf.oneHot refuses a single class, whose row is the 1 alone.
  if (classes === 1)
    return tf.onesLike<tf.Tensor2D>(tf.reshape(tf.cast(labels, 'float32'), [-1, 1]));
  return tf.oneHot(labels, classes, 1, 0, 'float32') as tf.Tensor2D;
}

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
 * @throws LabError when the smoothing is no share from 0 to 1.
 */
export function smoothedLabels(
  labels: tf.Tensor1D,
  classes: number,
  smoothing: number,
): tf.Tensor2D {
  requireShare('smoothed labels', 'smoothing', smoothing);
  const hard = oneHotLabels(labels, classes);
  return smoothing === 0 ? hard : tf.add(tf.mul(hard, 1 - smoothing), smoothing / classes);
}
