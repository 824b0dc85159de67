import * as tf from '@tensorflow/tfjs';
import type { StateTensor } from '../nn/state';

/** A loss and its gradient for each parameter, in the parameters' order. */
export interface LossAndGradients {
  readonly loss: tf.Scalar;
  readonly gradients: readonly tf.Tensor[];
}

/**
 * Runs `loss` and differentiates it. The caller owns (or tidies) what comes back.
 *
 * @param parameters what the loss is differentiated by; one that it does not depend on gets zeros.
 */
export function lossAndGradients(
  loss: () => tf.Scalar,
  parameters: readonly StateTensor[],
): LossAndGradients {
  const values = parameters.map(({ value }) => value);
  const { value, grads } = tf.engine().gradients(loss, values, undefined, true);
  return {
    loss: value,
    // A gradient is missing where the loss does not reach a parameter; PyTorch leaves it alone, and so
    // does a zero gradient but for weight decay, which acts on all parameters here.
    gradients: grads.map((gradient, index) => {
      const parameter = values[index];
      if (parameter === undefined) throw new Error('more gradients than parameters');
      return (gradient as tf.Tensor | null) ?? tf.zerosLike(parameter);
    }),
  };
}
