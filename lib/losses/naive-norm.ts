import type * as tf from '@tensorflow/tfjs';
import { requireSameMatrix } from './checks';
import { closedForm } from './closed-form';
import { normPenalty, rowNorms } from './norms';

/**
 * Norm matching: `mean_i (‖f^s_i‖ − ‖f^t_i‖)²`, the plain alternative that SIFN is compared with.
 * A student vector of zeros has no direction to grow in: its gradient is 0.
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param teacher `[batch, dim]`, held constant
 * @throws LabError when the shapes differ.
 */
export function naiveNormLoss(student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar {
  requireSameMatrix(
    'norm matching',
    ['student embedding', student],
    ['teacher embedding', teacher],
  );
  return closedForm(student, () => normPenalty(student, rowNorms(teacher)));
}
