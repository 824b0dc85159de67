import type * as tf from '@tensorflow/tfjs';
import type { ModelOutput } from '../nn/model';

/** What the terms of a method see of one batch. */
export interface BatchSignals {
  readonly student: ModelOutput;
  /** [batch, size], the student's embedding in the teacher's space: after the adapter where there is one. */
  readonly studentEmbedding: tf.Tensor2D;
  /** [batch], int32 */
  readonly labels: tf.Tensor1D;
  /** Places of the samples in the training set. */
  readonly indices?: Int32Array;
  readonly teacher?: ModelOutput;
  /** [classes, size] */
  readonly classMeans?: tf.Tensor2D;
}

/** The teacher's output, for terms whose needs name the teacher. */
export function teacherOf({ teacher }: BatchSignals): ModelOutput {
  if (teacher === undefined) throw new Error('a term uses the teacher without naming it in needs');
  return teacher;
}

/** The class means, for terms whose needs name them. */
export function classMeansOf({ classMeans }: BatchSignals): tf.Tensor2D {
  if (classMeans === undefined) {
    throw new Error('a term uses the class means without naming them in needs');
  }
  return classMeans;
}
