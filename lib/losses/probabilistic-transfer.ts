import * as tf from '@tensorflow/tfjs';
import { closedForm, requireRows } from './checks';

/** Added to norms and to probabilities, as the published code does. */
const epsilon = 1e-7;

/**
 * Probabilistic knowledge transfer (Passalis and Tefas, arXiv 1803.10837): with
 * `k_ij = (1 + cos(x_i, x_j)) / 2` and `p_ij = k_ij / Σ_j k_ij` of student (p) and teacher (q),
 * `mean_ij q_ij · ln((q_ij + ε) / (p_ij + ε))`, ε = 1e-7, which also stands beside each norm.
 *
 * @param student `[batch, size]`
 * @param teacher `[batch, any size]`, held constant
 * @throws LabError when the batches differ in length.
 */
export function probabilisticTransferLoss(student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar {
  requireRows('PKT', ['student embeddings', student], ['teacher embeddings', teacher]);
  return closedForm(student, () => {
    const { units, norms, sums, probabilities } = neighbours(student);
    const target = tf.tidy(() => neighbours(teacher).probabilities);
    // All are near 1 / batch: differences first, so that float32 does not lose them.
    const guarded = tf.add(probabilities, epsilon);
    const lacking = tf.sub(target, probabilities);
    // −q / (p + ε), less the constant −1, which rows that sum to 1 do not see.
    const ofProbabilities = tf.div(tf.div(tf.sub(lacking, epsilon), guarded), -probabilities.size);
    const centre = tf.sum(tf.mul(ofProbabilities, probabilities), 1, true);
    // Half of a kernel's slope is that of the cosine, which both of its samples share.
    const ofCosines = tf.div<tf.Tensor2D>(tf.sub(ofProbabilities, centre), tf.mul(sums, 2));
    const ofUnits = tf.matMul(tf.add<tf.Tensor2D>(ofCosines, tf.transpose(ofCosines)), units);
    // The norm's own gradient is x / ‖x‖, taken as 0 at 0, where the direction is not defined.
    const along = tf.sum(tf.mul(ofUnits, units), 1, true);
    const across = tf.sub(ofUnits, tf.mul(along, tf.divNoNan(student, norms)));
    const defined = tf.cast(tf.greater(norms, 0), 'float32');
    return {
      value: tf.mean<tf.Scalar>(tf.mul(target, tf.log1p(tf.div(lacking, guarded)))),
      gradient: tf.mul(tf.div(across, tf.add(norms, epsilon)), defined),
    };
  });
}

interface Neighbours {
  /** `[batch, size]`: x / (‖x‖ + ε). */
  readonly units: tf.Tensor2D;
  /** `[batch, 1]` */
  readonly norms: tf.Tensor2D;
  /** `[batch, 1]`: Σ_j k_ij. */
  readonly sums: tf.Tensor2D;
  /** `[batch, batch]`: each row sums to 1. */
  readonly probabilities: tf.Tensor2D;
}

function neighbours(x: tf.Tensor2D): Neighbours {
  const norms = tf.norm(x, 2, 1, true) as tf.Tensor2D;
  const units = tf.div<tf.Tensor2D>(x, tf.add(norms, epsilon));
  const kernel = tf.mul(tf.add(tf.matMul(units, units, false, true), 1), 0.5);
  const sums = tf.sum<tf.Tensor2D>(kernel, 1, true);
  return { units, norms, sums, probabilities: tf.div(kernel, sums) };
}
