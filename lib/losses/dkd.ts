import * as tf from '@tensorflow/tfjs';
import { type LabError, optionError } from '../errors';
import {
  closedForm,
  requireFinite,
  requireLabels,
  requirePositive,
  requireSameMatrix,
} from './checks';
import { oneHotLabels } from './cross-entropy';

/** Options of `dkdLoss`. */
export interface DkdOptions {
  /** Weight of the target-class term. */
  readonly alpha?: number;
  /** Weight of the non-target-class term. */
  readonly beta?: number;
  /** T: both distributions are softened by it. */
  readonly temperature?: number;
}

/**
 * Taken off the target's logit, so that its softmax is 0. The published code takes 1000, which logits
 * of a diverging student can reach.
 */
const targetMask = 1e9;

/**
 * Decoupled knowledge distillation (Zhao et al., arXiv 2203.08679):
 * `T² · mean_i [ α · KL(b_t ‖ b_s) + β · KL(q_t ‖ q_s) ]`, where `b` is the distribution over {target,
 * all others} and `q` the one over the other classes alone.
 *
 * Same numbers as the published code; where that takes `log 0` (a student wholly sure of the target),
 * this stays finite, because `b` is computed from the difference of log-sums.
 *
 * @param studentLogits `[batch, classes]`
 * @param teacherLogits `[batch, classes]`, held constant
 * @param labels int32 `[batch]`
 * @throws LabError when the shapes do not fit, or with fewer than three classes: the other classes
 *   must be at least two to have a distribution.
 */
export function dkdLoss(
  studentLogits: tf.Tensor2D,
  teacherLogits: tf.Tensor2D,
  labels: tf.Tensor1D,
  { alpha = 1, beta = 8, temperature = 4 }: DkdOptions = {},
): tf.Scalar {
  requireSameMatrix('DKD', ['student logits', studentLogits], ['teacher logits', teacherLogits]);
  requireLabels('DKD', labels, ['student logits', studentLogits]);
  requirePositive('DKD', 'temperature', temperature);
  requireFinite('DKD', 'alpha', alpha);
  requireFinite('DKD', 'beta', beta);
  const [batch, classes] = studentLogits.shape;
  if (classes < 3) throw tooFewClasses(classes);
  return closedForm(studentLogits, () => {
    const target = oneHotLabels(labels, classes);
    const student = decouple(studentLogits, target, temperature);
    const teacher = decouple(teacherLogits, target, temperature);
    const targetTerm = tf.add(
      tf.mul(teacher.onTarget, tf.sub(teacher.logOnTarget, student.logOnTarget)),
      tf.mul(teacher.offTarget, tf.sub(teacher.logOffTarget, student.logOffTarget)),
    );
    const otherTerm = tf.mul(teacher.others, tf.sub(teacher.logOthers, student.logOthers));
    const loss = tf.add(tf.mul(tf.sum(targetTerm), alpha), tf.mul(tf.sum(otherTerm), beta));
    const targetSlope = tf.mul(
      tf.sub(student.onTarget, teacher.onTarget),
      tf.sub(target, student.others),
    );
    const otherSlope = tf.sub(student.others, teacher.others);
    return {
      value: tf.mul<tf.Scalar>(loss, temperature ** 2 / batch),
      gradient: tf.mul(
        tf.add<tf.Tensor2D>(tf.mul(targetSlope, alpha), tf.mul(otherSlope, beta)),
        temperature / batch,
      ),
    };
  });
}

/** One network's softened distribution, taken apart. */
interface Decoupled {
  /** Probability of the target and of all others together, and their logarithms: `[batch, 1]`. */
  readonly onTarget: tf.Tensor;
  readonly offTarget: tf.Tensor;
  readonly logOnTarget: tf.Tensor;
  readonly logOffTarget: tf.Tensor;
  /** Distribution over the other classes, 0 at the target, and its logarithm: `[batch, classes]`. */
  readonly others: tf.Tensor;
  readonly logOthers: tf.Tensor;
}

function decouple(logits: tf.Tensor2D, target: tf.Tensor2D, temperature: number): Decoupled {
  const softened = tf.div(logits, temperature);
  const masked = tf.sub(softened, tf.mul(target, targetMask));
  const logOtherSum = tf.logSumExp(masked, 1, true);
  const logOthers = tf.sub(masked, logOtherSum);
  const margin = tf.sub(tf.sum(tf.mul(softened, target), 1, true), logOtherSum);
  const opposite = tf.neg(margin);
  return {
    onTarget: tf.sigmoid(margin),
    offTarget: tf.sigmoid(opposite),
    logOnTarget: tf.neg(tf.softplus(opposite)),
    logOffTarget: tf.neg(tf.softplus(margin)),
    others: tf.exp(logOthers),
    logOthers,
  };
}

function tooFewClasses(classes: number): LabError {
  return optionError`DKD needs at least three classes (DKD): found ${classes}. Use KD or DIST for a data set of two classes`;
}
