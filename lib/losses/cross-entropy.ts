import * as tf from '@tensorflow/tfjs';
import { requireLabels } from './checks';
import { closedForm } from './closed-form';

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
