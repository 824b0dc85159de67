import type * as tf from '@tensorflow/tfjs';
import { requireSameFeatures } from './checks';
import { closedForm } from './closed-form';
import { meanSquaredDifference } from './mean-squared';

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
