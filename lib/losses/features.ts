import * as tf from '@tensorflow/tfjs';
import {
  closedForm,
  requireSameFeatures,
  requireSameMatrix,
  type ValueAndGradient,
} from './checks';

/** `mean over all entries of (x − wanted)²` with its gradient with respect to `x`; both of one shape. */
export function meanSquaredDifference(x: tf.Tensor, wanted: tf.Tensor): ValueAndGradient {
  const difference = tf.sub(x, wanted);
  return {
    value: tf.mean<tf.Scalar>(tf.square(difference)),
    gradient: tf.mul(difference, 2 / x.size),
  };
}

/**
 * The hint of FitNets (Romero et al., arXiv 1412.6550), as the published comparisons take it: the mean
 * over all entries of `(r(s) − t)²`, where `r(s)` is the student's feature after its regressor.
 *
 * @param student `[batch, height, width, channels]`, after the regressor
 * @param teacher the same shape, held constant
 * @throws LabError when the shapes differ.
 */
export function hintLoss(student: tf.Tensor4D, teacher: tf.Tensor4D): tf.Scalar {
  requireSameFeatures('FitNet', ['student features', student], ['teacher features', teacher]);
  return closedForm(student, () => meanSquaredDifference(student, teacher));
}

/**
 * SRRL (Yang et al., "Knowledge distillation via softmax regression representation learning", ICLR 2021):
 * `mean (f^s − f^t)² + mean (z^s − z^t)²`, both over batch and entries, where z^s is what the teacher's
 * classifier makes of the student's feature.
 *
 * @param student its feature in the teacher's space `[batch, dim]`, and the teacher's logits of it `[batch, classes]`
 * @param teacher the same of the teacher, held constant
 * @throws LabError when the shapes differ.
 */
export function softmaxRegressionLoss(
  student: { readonly feature: tf.Tensor2D; readonly logits: tf.Tensor2D },
  teacher: { readonly feature: tf.Tensor2D; readonly logits: tf.Tensor2D },
): tf.Scalar {
  requireSameMatrix(
    'SRRL',
    ['student feature', student.feature],
    ['teacher feature', teacher.feature],
  );
  requireSameMatrix(
    'SRRL',
    ['logits of the student feature', student.logits],
    ['teacher logits', teacher.logits],
  );
  const gap = (a: tf.Tensor2D, b: tf.Tensor2D): tf.Scalar => tf.mean(tf.squaredDifference(a, b));
  return tf.add(gap(student.feature, teacher.feature), gap(student.logits, teacher.logits));
}
