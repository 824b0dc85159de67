import * as tf from '@tensorflow/tfjs';
import { requireClassMeans, requireLabels } from './checks';
import { closedForm } from './closed-form';
import { inverseNorms, rowNorms, unitRows } from './norms';

/**
 * Direction by cosine: `mean_i [1 − cos(f^s_i, c_{y_i})]`, each student embedding against the
 * teacher's mean of its own class. A vector of zeros counts 1 and has no gradient.
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param labels int32 `[batch]`
 * @param classMeans `[classes, dim]`, of any norm, held constant
 * @throws LabError when the shapes do not fit.
 */
export function directionCosineLoss(
  student: tf.Tensor2D,
  labels: tf.Tensor1D,
  classMeans: tf.Tensor2D,
): tf.Scalar {
  const loss = 'direction by cosine';
  requireLabels(loss, labels, ['student embedding', student]);
  requireClassMeans(loss, classMeans, ['student embedding', student]);
  return closedForm(student, () => {
    const directions = unitRows(tf.gather(classMeans, labels));
    const inverse = inverseNorms(rowNorms(student));
    const unitStudent = tf.mul<tf.Tensor2D>(student, inverse);
    const cosine = tf.sum<tf.Tensor2D>(tf.mul(unitStudent, directions), 1, true);
    const across = tf.sub(tf.mul(cosine, unitStudent), directions);
    return {
      value: tf.sub<tf.Scalar>(1, tf.mean(cosine)),
      gradient: tf.mul(across, tf.div(inverse, student.shape[0])),
    };
  });
}
