import * as tf from '@tensorflow/tfjs';
import {
  boolAttribute,
  floatAttribute,
  hasOwnOperations,
  intAttribute,
  nativeOperations,
} from '../engine/native';
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
 * A step is one operation of this package's own on a CPU (`lib/engine/cpp/operations/sgd.cc`); elsewhere all
 * parameters are put one after the other into one tensor, so that it is a handful of operations.
 */
export function sgd(parameters: readonly StateTensor[], options: SgdOptions): Sgd {
  const sizes = parameters.map(({ value }) => value.size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let velocity: tf.Tensor1D = tf.keep(tf.zeros([total]));

  const take = (weights: readonly tf.Tensor[], moved: tf.Tensor1D): void => {
    velocity.dispose();
    velocity = tf.keep(moved);
    parameters.forEach((parameter, index) => {
      const value = weights[index];
      if (value !== undefined) parameter.replace(value);
    });
  };
  return {
    step(gradients, learningRate) {
      const step = { parameters, gradients, velocity, learningRate };
      const { weights, moved } = tf.tidy(() => {
        const own = hasOwnOperations() && parameters.length > 0;
        return { ...(own ? ownStep(step, options) : joinedStep(step, sizes, options)) };
      });
      take(weights, moved);
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

interface SgdStep {
  readonly parameters: readonly StateTensor[];
  readonly gradients: readonly tf.Tensor[];
  readonly velocity: tf.Tensor1D;
  readonly learningRate: number;
}

interface SteppedParameters {
  readonly weights: tf.Tensor[];
  readonly moved: tf.Tensor1D;
}

function ownStep(
  { parameters, gradients, velocity, learningRate }: SgdStep,
  { momentum, weightDecay, nesterov }: SgdOptions,
): SteppedParameters {
  const outputs = nativeOperations(
    'NormDirectionSgd',
    [
      intAttribute('N', parameters.length),
      floatAttribute('momentum', momentum),
      floatAttribute('weight_decay', weightDecay),
      boolAttribute('nesterov', nesterov),
    ],
    [...parameters.map(({ value }) => value), ...gradients, velocity, tf.scalar(learningRate)],
    parameters.length + 1,
  );
  const moved = outputs.pop();
  if (moved === undefined) throw new Error('the step gave no velocities');
  return { weights: outputs, moved: moved as tf.Tensor1D };
}

function joinedStep(
  { parameters, gradients, velocity, learningRate }: SgdStep,
  sizes: number[],
  { momentum, weightDecay, nesterov }: SgdOptions,
): SteppedParameters {
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
}
