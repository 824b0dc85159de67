import * as tf from '@tensorflow/tfjs';
import { tensorFunction } from '../engine/functions/tensor-function';
import {
  boolAttribute,
  floatAttribute,
  hasOwnOperations,
  intAttribute,
  isNative,
  nativeOperations,
} from '../engine/native';
import { resultsError } from '../errors';
import type { StateTensor } from '../nn/state';
import { adamW, type AdamWOptions } from './adamw';
import { flatten, sizeOfAll, splitAs } from './end-to-end';
import type { Optimiser } from './task';

export { adamW, type AdamWOptions } from './adamw';

/** An optimiser as a recipe has it: SGD where no kind is named. */
export type OptimiserOptions = SgdOptions | AdamWOptions;

/**
 * @param parameters what it changes, in a fixed order
 * @throws LabError as `adamW` does.
 */
export function createOptimiser(
  parameters: readonly StateTensor[],
  options: OptimiserOptions,
): Optimiser {
  if ('kind' in options) return adamW(parameters, options);
  const optimiser = sgd(parameters, options);
  return {
    step: (gradients, learningRate) => optimiser.step(gradients, learningRate),
    save() {
      const velocity = optimiser.velocity();
      return new Map([['velocity', { shape: [velocity.length], data: velocity }]]);
    },
    restore: (entries) => optimiser.restore(entries.get('velocity')?.data ?? new Float32Array(0)),
    dispose: () => optimiser.dispose(),
  };
}

/** Options of `sgd`. */
export interface SgdOptions {
  readonly momentum: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
  /** `norms`: the scales and shifts of batch norms do not decay (detectron2's WEIGHT_DECAY_NORM 0); all do when missing. */
  readonly undecayed?: 'norms';
}

/** Stochastic gradient descent over a fixed list of parameters. */
export interface Sgd {
  /** Changes every parameter by one step; disposes of nothing that it is given. */
  step(gradients: readonly tf.Tensor[], learningRate: number): void;
  /** The velocities of all parameters, one after the other. */
  velocity(): Float32Array;
  /** Goes on from saved velocities. @throws LabError of kind `results` when their number is not the parameters'. */
  restore(velocity: Float32Array): void;
  /** Frees what it remembers. */
  dispose(): void;
}

/**
 * PyTorch's `SGD` (dampening 0): g ← g + weightDecay · w; v ← momentum · v + g;
 * w ← w − learningRate · (g + momentum · v) with Nesterov, − learningRate · v without.
 *
 * A step is one operation of this package's own on a CPU (`lib/engine/cpp/operations/optimisers.cc`); elsewhere all
 * parameters are put one after the other into one tensor, so that it is a handful of operations, on a GPU's path in
 * one function of TensorFlow.
 */
export function sgd(parameters: readonly StateTensor[], options: SgdOptions): Sgd {
  const total = sizeOfAll(parameters);
  let velocity: tf.Tensor1D = tf.keep(tf.zeros([total]));
  let joined: ReturnType<typeof tensorFunction> | undefined;

  const steppedOf = (step: SgdStep): SteppedParameters => {
    if (parameters.length === 0 || !isNative()) return joinedStep(step, options);
    if (hasOwnOperations()) return ownStep(step, options);
    joined ??= joinedFunction(step, options);
    const weights = joined.run(inputsOf(step));
    return { moved: lastOf(weights), weights };
  };
  const take = (weights: readonly tf.Tensor[], moved: tf.Tensor1D): void => {
    velocity.dispose();
    velocity = tf.keep(moved);
    parameters.forEach((parameter, index) => {
      const value = weights[index];
      if (value !== undefined) parameter.replace(value);
    });
  };
  /** With what the step will add for the decay taken off, where there is to be none. */
  const undecayed = (gradient: tf.Tensor, parameter: StateTensor | undefined): tf.Tensor =>
    options.undecayed === 'norms' && parameter?.ofNorm === true
      ? tf.sub(gradient, tf.mul(parameter.value, options.weightDecay))
      : gradient;
  return {
    step(gradients, learningRate) {
      const { weights, moved } = tf.tidy(() => {
        return steppedOf({
          weights: parameters.map(({ value }) => value),
          gradients: gradients.map((gradient, index) => undecayed(gradient, parameters[index])),
          velocity,
          learningRate: tf.scalar(learningRate),
        });
      });
      take(weights, moved);
    },
    velocity: () => velocity.dataSync<'float32'>().slice(),
    restore(saved) {
      if (saved.length !== total) {
        throw resultsError`a checkpoint is of other parameters (velocity): found ${saved.length} velocities for ${total} parameters. Resume with the student and the method that the run was started with, or start a new run`;
      }
      velocity.dispose();
      velocity = tf.keep(tf.tensor1d(saved.slice()));
    },
    dispose() {
      velocity.dispose();
      joined?.dispose();
    },
  };
}

interface SgdStep {
  readonly weights: readonly tf.Tensor[];
  readonly gradients: readonly tf.Tensor[];
  readonly velocity: tf.Tensor1D;
  readonly learningRate: tf.Scalar;
}

interface SteppedParameters extends Record<string, tf.Tensor | tf.Tensor[]> {
  weights: tf.Tensor[];
  moved: tf.Tensor1D;
}

/** In the order of the operation's inputs. */
function inputsOf({ weights, gradients, velocity, learningRate }: SgdStep): tf.Tensor[] {
  return [...weights, ...gradients, velocity, learningRate];
}

/** Takes the velocities off what a step gave. */
function lastOf(outputs: tf.Tensor[]): tf.Tensor1D {
  const moved = outputs.pop();
  if (moved === undefined) throw new Error('the step gave no velocities');
  return moved as tf.Tensor1D;
}

function ownStep(
  step: SgdStep,
  { momentum, weightDecay, nesterov }: SgdOptions,
): SteppedParameters {
  const { length } = step.weights;
  const outputs = nativeOperations(
    'NormDirectionSgd',
    [
      intAttribute('N', length),
      floatAttribute('momentum', momentum),
      floatAttribute('weight_decay', weightDecay),
      boolAttribute('nesterov', nesterov),
    ],
    inputsOf(step),
    length + 1,
  );
  return { moved: lastOf(outputs), weights: outputs };
}

function joinedStep(
  { weights, gradients, velocity, learningRate }: SgdStep,
  { momentum, weightDecay, nesterov }: SgdOptions,
): SteppedParameters {
  const old = flatten(weights);
  const gradient = tf.add(flatten(gradients), tf.mul(old, weightDecay));
  const moved: tf.Tensor1D = tf.add(tf.mul(velocity, momentum), gradient);
  const direction = nesterov ? tf.add(gradient, tf.mul(moved, momentum)) : moved;
  const updated = tf.sub<tf.Tensor1D>(old, tf.mul(direction, learningRate));
  return { weights: splitAs(updated, weights), moved };
}

/** The joined step of parameters of these shapes as one function of TensorFlow. */
function joinedFunction(step: SgdStep, options: SgdOptions): ReturnType<typeof tensorFunction> {
  const { length } = step.weights;
  const shapes = inputsOf(step).map(({ shape }) => shape);
  return tensorFunction(shapes, (inputs) => {
    const [velocity, learningRate] = inputs.slice(2 * length) as [tf.Tensor1D, tf.Scalar];
    const { weights, moved } = joinedStep(
      {
        weights: inputs.slice(0, length),
        gradients: inputs.slice(length, 2 * length),
        velocity,
        learningRate,
      },
      options,
    );
    return [...weights, moved];
  });
}
