import * as tf from '@tensorflow/tfjs';
import type { StateTensor } from '../nn/state';
import type { TrainingPass } from '../nn/traced-training';

/** A loss and its gradient for each parameter, in the parameters' order. */
export interface LossAndGradients {
  readonly loss: tf.Scalar;
  readonly gradients: readonly tf.Tensor[];
}

/**
 * Runs `loss` and differentiates it. The caller owns (or tidies) what comes back.
 *
 * @param parameters what the loss is differentiated by; one that it does not depend on gets zeros.
 * @param pass a forward pass that ran before, whose output the loss takes: its model's `trainable` are the first
 *   of the parameters
 */
export function lossAndGradients(
  loss: () => tf.Scalar,
  parameters: readonly StateTensor[],
  pass?: TrainingPass,
): LossAndGradients {
  const values = parameters.map(({ value }) => value);
  const tensors = pass?.tensors ?? [];
  const { value, grads } = tf.engine().gradients(loss, [...tensors, ...values], undefined, true);
  // A gradient is missing where the loss does not reach a tensor.
  const reached = grads as (tf.Tensor | null)[];
  const through = pass?.backward(reached.splice(0, tensors.length)) ?? [];
  return {
    loss: value,
    // PyTorch leaves a parameter alone that the loss does not reach, and so does a zero gradient but for weight
    // decay, which acts on all parameters here.
    gradients: values.map((parameter, index) => {
      const direct = reached[index];
      const passed = through[index];
      if (passed && direct) return tf.add(passed, direct);
      return passed ?? direct ?? tf.zerosLike(parameter);
    }),
  };
}
