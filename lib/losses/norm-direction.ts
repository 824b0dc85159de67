import * as tf from '@tensorflow/tfjs';
import { closedForm, requireClassMeans, requireLabels, requireSameMatrix } from './checks';
import { inverseNorms, rowNorms, unitRows } from './norm';

/**
 * What the ND loss divides the projection by: the larger of both norms (the paper), the same held
 * constant, always the teacher's norm, or always the student's, which is direction by cosine.
 */
export const normChoices = ['max', 'max detached', 'teacher', 'student'] as const;
/** What the ND loss divides by: `NormDirectionOptions`. */
export type NormChoice = (typeof normChoices)[number];

/** Options of `normDirectionLoss`. */
export interface NormDirectionOptions {
  /** `max` by default. */
  readonly norm?: NormChoice;
}

/**
 * The ND loss (arXiv 2305.17007): `mean_i [1 − f^s_i · e_{y_i} / max(‖f^s_i‖, ‖f^t_i‖)]` with
 * `e_k = c_k / ‖c_k‖`, the direction of the teacher's mean of class k.
 *
 * While the student's norm is below the teacher's, a step along its gradient turns the embedding and
 * lengthens it; from there on the loss is `1 − cos`, direction alone, because the student's norm is
 * part of the graph. At equal norms the second case holds, as in the authors' code. Where both
 * embeddings are zero the sample counts 1 and has no gradient.
 *
 * Its variants divide by another norm: with `max detached` a longer student goes on growing, and with
 * `teacher` its loss falls below 0 as well.
 *
 * @param student `[batch, dim]`, after the adapter if there is one
 * @param teacher `[batch, dim]`, of the same augmented images, held constant
 * @param labels int32 `[batch]`
 * @param classMeans `[classes, dim]`, of any norm, held constant
 * @throws LabError when the shapes do not fit.
 */
export function normDirectionLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  labels: tf.Tensor1D,
  classMeans: tf.Tensor2D,
  { norm = 'max' }: NormDirectionOptions = {},
): tf.Scalar {
  requireSameMatrix('ND', ['student embedding', student], ['teacher embedding', teacher]);
  requireLabels('ND', labels, ['student embedding', student]);
  requireClassMeans('ND', classMeans, ['student embedding', student]);
  return closedForm(student, () => {
    const directions = unitRows(tf.gather(classMeans, labels));
    const { norms, isStudents } = divisorOf(norm, rowNorms(student), rowNorms(teacher));
    const inverse = inverseNorms(norms);
    const ratio = tf.mul(tf.sum(tf.mul(student, directions), 1, true), inverse);
    const slope = isStudents
      ? tf.sub<tf.Tensor2D>(tf.mul(student, tf.mul(tf.mul(isStudents, ratio), inverse)), directions)
      : tf.neg(directions);
    return {
      value: tf.sub<tf.Scalar>(1, tf.mean(ratio)),
      gradient: tf.mul(slope, tf.div(inverse, student.shape[0])),
    };
  });
}

interface Divisor {
  /** `[batch, 1]` */
  readonly norms: tf.Tensor2D;
  /** 1 where the divisor is the student's own norm and part of the graph, else 0; missing where it never is. */
  readonly isStudents?: tf.Tensor2D;
}

function divisorOf(norm: NormChoice, student: tf.Tensor2D, teacher: tf.Tensor2D): Divisor {
  switch (norm) {
    case 'max':
      return {
        norms: tf.maximum(student, teacher),
        isStudents: tf.cast(tf.greaterEqual(student, teacher), 'float32'),
      };
    case 'max detached':
      return { norms: tf.maximum(student, teacher) };
    case 'teacher':
      return { norms: teacher };
    case 'student':
      return { norms: student, isStudents: tf.onesLike(student) };
  }
}
