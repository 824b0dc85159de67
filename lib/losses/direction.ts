import * as tf from '@tensorflow/tfjs';
import { closedForm, requireClassMeans, requireLabels, requirePositive } from './checks';
import { oneHotLabels } from './cross-entropy';
import { inverseNorms, rowNorms, unitRows } from './norm';

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

/** Options of `directionInfoNceLoss`. */
export interface DirectionInfoNceOptions {
  /** Divides the cosine similarities. */
  readonly temperature?: number;
}

/**
 * Direction by InfoNCE: cross entropy over the cosine similarities with the means of all classes,
 * `mean_i −log softmax_k(cos(f^s_i, c_k) / temperature)[y_i]`: towards the sample's own class, away
 * from the others. A vector of zeros has no gradient.
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param labels int32 `[batch]`
 * @param classMeans `[classes, dim]`, of any norm, held constant
 * @throws LabError when the shapes do not fit or the temperature is not above 0.
 */
export function directionInfoNceLoss(
  student: tf.Tensor2D,
  labels: tf.Tensor1D,
  classMeans: tf.Tensor2D,
  { temperature = 0.1 }: DirectionInfoNceOptions = {},
): tf.Scalar {
  const loss = 'direction by InfoNCE';
  requireLabels(loss, labels, ['student embedding', student]);
  requireClassMeans(loss, classMeans, ['student embedding', student]);
  requirePositive(loss, 'temperature', temperature);
  return closedForm(student, () => {
    const [batch] = student.shape;
    const directions = unitRows(classMeans);
    const inverse = inverseNorms(rowNorms(student));
    const unitStudent = tf.mul<tf.Tensor2D>(student, inverse);
    const cosines = tf.matMul(unitStudent, directions, false, true);
    const target = oneHotLabels(labels, classMeans.shape[0]);
    const logProbabilities = tf.logSoftmax(tf.div(cosines, temperature));
    // The gradient with respect to the cosines, then from each cosine to the embedding.
    const pull = tf.sub(tf.exp(logProbabilities), target);
    const along = tf.sum(tf.mul(pull, cosines), 1, true);
    const across = tf.sub(tf.matMul(pull, directions), tf.mul(along, unitStudent));
    return {
      value: tf.div<tf.Scalar>(tf.sum(tf.mul(target, logProbabilities)), -batch),
      gradient: tf.mul<tf.Tensor2D>(across, tf.div(inverse, batch * temperature)),
    };
  });
}
