import * as tf from '@tensorflow/tfjs';

/** A forward result, what the backward pass needs of it, and the backward pass itself. */
export interface DifferentiableResult {
  readonly value: tf.Tensor;
  /** Kept until the backward pass; inputs may be among them. */
  readonly saved: readonly tf.Tensor[];
  /** From the gradient of the value to the gradients of the inputs, in their order. */
  readonly backward: (gradient: tf.Tensor, saved: readonly tf.Tensor[]) => tf.Tensor[];
}

/**
 * An operation with a hand-written gradient on tfjs' tape: a typed cover over `tf.customGrad`, whose
 * own type cannot say that the last argument is the function that saves tensors.
 */
export function differentiable(
  inputs: readonly tf.Tensor[],
  forward: () => DifferentiableResult,
): tf.Tensor {
  const operation = tf.customGrad((...given: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = given[given.length - 1] as tf.GradSaveFunc;
    const { value, saved, backward } = forward();
    save([...saved]);
    return {
      value,
      gradFunc: (gradient: tf.Tensor, kept: tf.Tensor[]) => backward(gradient, kept),
    };
  });
  return operation(...inputs);
}

/** The `index`-th of the saved tensors; a missing one is a defect of the operation. */
export function savedTensor(saved: readonly tf.Tensor[], index: number): tf.Tensor {
  const tensor = saved[index];
  if (tensor === undefined) throw new Error(`no saved tensor ${index}`);
  return tensor;
}
