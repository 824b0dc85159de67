import * as tf from '@tensorflow/tfjs';
import { closedForm, requireFinite, requirePositive, requireSameMatrix } from './checks';

/** Options of `distLoss`. */
export interface DistOptions {
  /** Weight of the relation between the classes of a sample. */
  readonly beta?: number;
  /** Weight of the relation between the samples of a class. */
  readonly gamma?: number;
  /** τ: both distributions are softened by it. */
  readonly temperature?: number;
}

/** Added to the product of norms, as the published code does. */
const epsilon = 1e-8;
/** Keeps `x / ‖x‖` at 0 for a vector of zeros; far below any norm that float32 can tell from 0. */
const tiny = 1e-30;

/**
 * DIST (Huang et al., arXiv 2205.10536), with `p = softmax(z / τ)` and Pearson's correlation ρ:
 * `τ² · [ β · (1 − mean_i ρ(p^s_i·, p^t_i·)) + γ · (1 − mean_k ρ(p^s_·k, p^t_·k)) ]`.
 *
 * @param studentLogits `[batch, classes]`
 * @param teacherLogits `[batch, classes]`, held constant
 * @throws LabError when the shapes differ or the temperature is not above 0.
 */
export function distLoss(
  studentLogits: tf.Tensor2D,
  teacherLogits: tf.Tensor2D,
  { beta = 1, gamma = 1, temperature = 4 }: DistOptions = {},
): tf.Scalar {
  requireSameMatrix('DIST', ['student logits', studentLogits], ['teacher logits', teacherLogits]);
  requirePositive('DIST', 'temperature', temperature);
  requireFinite('DIST', 'beta', beta);
  requireFinite('DIST', 'gamma', gamma);
  return closedForm(studentLogits, () => {
    const student = tf.softmax(tf.div<tf.Tensor2D>(studentLogits, temperature));
    const teacher = tf.softmax(tf.div<tf.Tensor2D>(teacherLogits, temperature));
    const inter = meanCorrelation(student, teacher, 1);
    const intra = meanCorrelation(student, teacher, 0);
    const factor = temperature ** 2;
    const correlation = tf.add(tf.mul(inter.value, beta), tf.mul(intra.value, gamma));
    const slope = tf.add(tf.mul(inter.gradient, beta), tf.mul(intra.gradient, gamma));
    // Back through the softmax: p · (g − Σ p·g) / τ.
    const centred = tf.sub(slope, tf.sum(tf.mul(student, slope), 1, true));
    return {
      value: tf.mul<tf.Scalar>(tf.sub(beta + gamma, correlation), factor),
      gradient: tf.mul<tf.Tensor2D>(tf.mul(student, centred), -factor / temperature),
    };
  });
}

/**
 * Pearson's correlation of two matrices along an axis (1: of their rows, 0: of their columns), its
 * mean over the other axis, and the gradient of that mean with respect to the first matrix.
 */
function meanCorrelation(
  first: tf.Tensor2D,
  second: tf.Tensor2D,
  axis: 0 | 1,
): { value: tf.Tensor; gradient: tf.Tensor } {
  const x = tf.sub(first, tf.mean(first, axis, true));
  const y = tf.sub(second, tf.mean(second, axis, true));
  const normX = tf.sqrt(tf.sum(tf.square(x), axis, true));
  const normY = tf.sqrt(tf.sum(tf.square(y), axis, true));
  const denominator = tf.add(tf.mul(normX, normY), epsilon);
  const correlation = tf.div(tf.sum(tf.mul(x, y), axis, true), denominator);
  const count = correlation.size;
  // ∂ρ/∂x = (y − ρ · ‖y‖ · x/‖x‖) / (‖x‖‖y‖ + ε); centring leaves it as it is, since x and y sum to 0.
  const unitX = tf.div(x, tf.maximum(normX, tiny));
  const slope = tf.sub(y, tf.mul(tf.mul(correlation, normY), unitX));
  return { value: tf.mean(correlation), gradient: tf.div(tf.div(slope, denominator), count) };
}
