import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../engine/differentiable';

/** A loss and its gradient with respect to the student's tensor, both written out. */
export interface ValueAndGradient {
  readonly value: tf.Scalar;
  /** In the shape of the student's tensor. */
  readonly gradient: tf.Tensor;
}

/**
 * A scalar loss of one student tensor whose gradient is known in closed form. Value and
 * gradient are computed together, once: a chain of taped operations would run several times as many
 * kernels, and on small tensors the number of kernels is the cost. Whatever else the loss reads is
 * held constant, so no gradient reaches the teacher, the class means or a previous norm.
 */
export function closedForm(student: tf.Tensor, evaluate: () => ValueAndGradient): tf.Scalar {
  const loss = differentiable([student], () => {
    const { value, gradient } = evaluate();
    return {
      value,
      saved: [gradient],
      backward: (upstream, saved) => [tf.mul(savedTensor(saved, 0), upstream)],
    };
  });
  // The tape hands back the very tensor that `evaluate` made, a scalar.
  return loss as tf.Scalar;
}
