import * as tf from '@tensorflow/tfjs';
import { requireClassMeans, requireLabels, requireSameMatrix } from './checks';
import { closedForm } from './closed-form';
import { inverseNorms, rowNorms, unitRows } from './norms';

/**
 * The ND loss (arXiv 2305.17007): `mean_i [1 − f^s_i · e_{y_i} / max(‖f^s_i‖, ‖f^t_i‖)]` with
 * `e_k = c_k / ‖c_k‖`, the direction of the teacher's mean of class k.
 *
 * While the student's norm is below the teacher's, a step along its gradient turns the embedding and
 * lengthens it; from there on the loss is `1 − cos`, direction alone, because the student's norm is
 * part of the graph. At equal norms the second case holds, as in the authors' code. Where both
 * embeddings are zero the sample counts 1 and has no gradient.
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param teacher `[batch, dim]`, of the same augmented images, held constant
 * @param labels int32 `[batch]`
 * @param classMeans `[classes, dim]`, of any norm, held constant
 * @throws LabError when the shapes do not fit.
 */
export function normDirectionLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  labels: tf.Tensor1D,
  classMeans: tf.Tensor2D,
): tf.Scalar {
  requireSameMatrix('ND', ['student embedding', student], ['teacher embedding', teacher]);
  requireLabels('ND', labels, ['student embedding', student]);
  requireClassMeans('ND', classMeans, ['student embedding', student]);
  return closedForm(student, () => {
    const directions = unitRows(tf.gather(classMeans, labels));
    const studentNorms = rowNorms(student);
    const teacherNorms = rowNorms(teacher);
    const inverse = inverseNorms(tf.maximum(studentNorms, teacherNorms));
    const ratio = tf.mul(tf.sum(tf.mul(student, directions), 1, true), inverse);
    const studentIsLarger = tf.cast(tf.greaterEqual(studentNorms, teacherNorms), 'float32');
    const shrink = tf.mul(tf.mul(studentIsLarger, ratio), inverse);
    const slope = tf.sub<tf.Tensor2D>(tf.mul(student, shrink), directions);
    return {
      value: tf.sub<tf.Scalar>(1, tf.mean(ratio)),
      gradient: tf.mul(slope, tf.div(inverse, student.shape[0])),
    };
  });
}
