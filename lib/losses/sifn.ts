import * as tf from '@tensorflow/tfjs';
import { requireFinite, requireOnePerRow } from './checks';
import { closedForm } from './closed-form';
import { embeddingNorms, normPenalty } from './norms';

export interface SifnOptions {
  /** r: by how much each norm shall exceed the previous one. */
  readonly step?: number;
}

/**
 * Stepwise increasing feature norm (after Xu et al., arXiv 1811.07456, eq. 9):
 * `mean_i (previous_i + r − ‖f^s_i‖)²`, where `previous` is the student's own earlier norm.
 * A student vector of zeros has no direction to grow in: its gradient is 0.
 *
 * @param student `[batch, dim]`
 * @param previousNorms `[batch]`, held constant
 * @throws LabError when the lengths differ or the step is not finite.
 */
export function sifnLoss(
  student: tf.Tensor2D,
  previousNorms: tf.Tensor1D,
  { step = 1 }: SifnOptions = {},
): tf.Scalar {
  requireOnePerRow('SIFN', ['previous norms', previousNorms], ['student embedding', student]);
  requireFinite('SIFN', 'step', step);
  return closedForm(student, () =>
    normPenalty(student, tf.expandDims<tf.Tensor2D>(tf.add(previousNorms, step), 1)),
  );
}

/**
 * SIFN whose previous norm is the current one held constant, as the code of arXiv 1811.07456 does it:
 * the value is always `r²`, the gradient a constant push of `2r / batch` on each norm.
 *
 * @param student `[batch, dim]`
 * @throws LabError when the step is not finite.
 */
export function detachedSifnLoss(student: tf.Tensor2D, options: SifnOptions = {}): tf.Scalar {
  return sifnLoss(student, embeddingNorms(student), options);
}
