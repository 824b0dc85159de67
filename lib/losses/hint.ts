import * as tf from '@tensorflow/tfjs';
import { requireSameFeatures } from './checks';
import { closedForm } from './closed-form';

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
  return closedForm(student, () => {
    const difference = tf.sub(student, teacher);
    return {
      value: tf.mean<tf.Scalar>(tf.square(difference)),
      gradient: tf.mul(difference, 2 / student.size),
    };
  });
}
