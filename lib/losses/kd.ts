import * as tf from '@tensorflow/tfjs';
import { closedForm, requirePositive, requireSameMatrix } from './checks';

/** Options of `kdLoss`. */
export interface KdOptions {
  /** T: both distributions are softened by it. */
  readonly temperature?: number;
}

/**
 * Knowledge distillation (Hinton et al., arXiv 1503.02531):
 * `T² · mean_i KL(softmax(t_i / T) ‖ softmax(s_i / T))`.
 *
 * @param studentLogits `[batch, classes]`
 * @param teacherLogits `[batch, classes]`, held constant
 * @throws LabError when the shapes differ or the temperature is not above 0.
 */
export function kdLoss(
  studentLogits: tf.Tensor2D,
  teacherLogits: tf.Tensor2D,
  { temperature = 4 }: KdOptions = {},
): tf.Scalar {
  requireSameMatrix('KD', ['student logits', studentLogits], ['teacher logits', teacherLogits]);
  requirePositive('KD', 'temperature', temperature);
  return closedForm(studentLogits, () => {
    const batch = studentLogits.shape[0];
    const student = tf.logSoftmax(tf.div(studentLogits, temperature));
    const teacher = tf.logSoftmax(tf.div(teacherLogits, temperature));
    const teacherProbabilities = tf.exp(teacher);
    const divergence = tf.sum(tf.mul(teacherProbabilities, tf.sub(teacher, student)));
    return {
      value: tf.mul<tf.Scalar>(divergence, temperature ** 2 / batch),
      gradient: tf.mul(tf.sub(tf.exp(student), teacherProbabilities), temperature / batch),
    };
  });
}
