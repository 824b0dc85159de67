import * as tf from '@tensorflow/tfjs';
import type { StateTensor } from '../nn/state';

export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/** Stochastic gradient descent over a fixed list of parameters. */
export interface Sgd {
  /** Changes every parameter by one step; disposes of nothing that it is given. */
  step(gradients: readonly tf.Tensor[], learningRate: number): void;
  /** The velocities of all parameters, one after the other. */
  velocity(): Float32Array;
  /** Goes on from saved velocities; their number must be the parameters'. */
  restore(velocity: Float32Array): void;
  dispose(): void;
}

/**
 * PyTorch's `SGD` (dampening 0): g ← g + weightDecay · w; v ← momentum · v + g;
 * w ← w − learningRate · (g + momentum · v) with Nesterov, − learningRate · v without.
 *
 * All parameters lie one after the other in one tensor, so that a step is a handful of operations
 * however many parameters there are.
 */
export function sgd(
  parameters: readonly StateTensor[],
  { momentum, weightDecay, nesterov }: SgdOptions,
): Sgd {
  const sizes = parameters.map(({ value }) => value.size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let velocity: tf.Tensor1D = tf.keep(tf.zeros([total]));

  return {
    step(gradients, learningRate) {
      const { weights, moved } = tf.tidy(() => {
        const old = flatten(parameters.map(({ value }) => value));
        const gradient = tf.add(flatten(gradients), tf.mul(old, weightDecay));
        const moved: tf.Tensor1D = tf.add(tf.mul(velocity, momentum), gradient);
        const direction = nesterov ? tf.add(gradient, tf.mul(moved, momentum)) : moved;
        const updated = tf.sub(old, tf.mul(direction, learningRate));
        const parts: tf.Tensor1D[] = tf.split(updated, sizes);
        const weights = parts.map((part, index) =>
          tf.reshape(part, parameters[index]?.value.shape ?? []),
        );
        return { weights, moved };
      });
      velocity.dispose();
      velocity = tf.keep(moved);
      parameters.forEach((parameter, index) => {
        const value = weights[index];
        if (value !== undefined) parameter.replace(value);
      });
    },
    velocity: () => velocity.dataSync<'float32'>().slice(),
    restore(saved) {
      if (saved.length !== total) {
        throw new Error(`${saved.length} velocities for ${total} parameters`);
      }
      velocity.dispose();
      velocity = tf.keep(tf.tensor1d(saved.slice()));
    },
    dispose: () => velocity.dispose(),
  };
}

function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat1d(tensors.map((tensor) => tf.reshape(tensor, [tensor.size])));
}
