import * as tf from '@tensorflow/tfjs';
import { requireSameMatrix } from './checks';

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
