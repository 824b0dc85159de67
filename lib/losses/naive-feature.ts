import type * as tf from '@tensorflow/tfjs';
import { requireSameMatrix } from './checks';
import { closedForm } from './closed-form';
import { meanSquaredDifference } from './mean-squared';

/**
 * Feature matching: the mean over all numbers of `(f^s − f^t)²`, that is `mean_i ‖f^s_i − f^t_i‖² / dim`;
 * the other reading of "the plain L2 alternative" that SIFN is compared with (see `naiveNormLoss`).
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param teacher `[batch, dim]`, held constant
 * @throws LabError when the shapes differ.
 */
export function naiveFeatureLoss(student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar {
  requireSameMatrix(
    'feature matching',
    ['student embedding', student],
    ['teacher embedding', teacher],
  );
  return closedForm(student, () => meanSquaredDifference(student, teacher));
}
