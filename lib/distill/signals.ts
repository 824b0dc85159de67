import type * as tf from '@tensorflow/tfjs';
import type { ModelOutput } from '../nn/model';

/** What the terms of a method see of one batch. */
export interface BatchSignals {
  readonly student: ModelOutput;
  /** [batch, size], the student's embedding in the teacher's space: after the adapter where there is one. */
  readonly studentEmbedding: tf.Tensor2D;
  /** [batch], int32; reading it of a batch of mixed images throws, since they have no single label. */
  readonly labels: tf.Tensor1D;
  /** The labels of images that mixup or cutmix joined; absent when they were left alone. */
  readonly mix?: MixedLabels;
  /** Places of the samples in the training set. */
  readonly indices?: Int32Array;
  readonly teacher?: ModelOutput;
  /** [classes, size] */
  readonly classMeans?: tf.Tensor2D;
}

/** How the images of a batch were joined: λ parts of the own one, 1 − λ of its partner's. */
export interface MixedLabels {
  /** int32 [batch], of the images before they were mixed. */
  readonly labels: tf.Tensor1D;
  /** int32 [batch], of each one's partner. */
  readonly partners: tf.Tensor1D;
  /** [batch] */
  readonly lambda: tf.Tensor1D;
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
