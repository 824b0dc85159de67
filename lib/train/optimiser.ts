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
import { optionError, resultsError } from '../errors';
import type { StateDict, StateEntry, StateTensor } from '../nn/state';

/** What changes a fixed list of parameters, step by step. */
export interface Optimiser {
  /** Changes every parameter by one step; disposes of nothing that it is given. */
  step(gradients: readonly tf.Tensor[], learningRate: number): void;
  /** What it remembers, for checkpoints. */
  save(): Map<string, StateEntry>;
  /** @throws LabError of kind `results` when the entries are those of other parameters or another optimiser. */
  restore(entries: StateDict): void;
  /** Frees what it remembers. */
  dispose(): void;
}

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
  /** Goes on from saved velocities; their number must be the parameters'. */
  restore(velocity: Float32Array): void;
  /** Frees what it remembers. */
  dispose(): void;
}

/**
 * PyTorch's `SGD` (dampening 0): g ← g + weightDecay · w; v ← momentum · v + g;
 * w ← w − learningRate · (g + momentum · v) with Nesterov, − learningRate · v without.
 *
 * A step is one operation of this package's own on a CPU (`lib/engine/cpp/operations/sgd.cc`); elsewhere all
 * parameters are put one after the other into one tensor, so that it is a handful of operations, on a GPU's path in
 * one function of TensorFlow.
 */
export function sgd(parameters: readonly StateTensor[], options: SgdOptions): Sgd {
  const sizes = parameters.map(({ value }) => value.size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
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
        throw new Error(`${saved.length} velocities for ${total} parameters`);
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

function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat1d(tensors.map((tensor) => tf.reshape(tensor, [tensor.size])));
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
  const updated = tf.sub(old, tf.mul(direction, learningRate));
  const parts: tf.Tensor1D[] = tf.split(
    updated,
    weights.map(({ size }) => size),
  );
  return {
    weights: parts.map((part, index) => tf.reshape(part, weights[index]?.shape ?? [])),
    moved,
  };
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

/** Options of `adamW`. */
export interface AdamWOptions {
  readonly kind: 'adamw';
  /** Of the running means of the gradient and of its square. */
  readonly betas: readonly [first: number, second: number];
  /** Not of biases, norms and other vectors, nor of `undecayed`. */
  readonly weightDecay: number;
  /** 1e-8 unless given. */
  readonly epsilon?: number;
  /** Parameters of more dimensions that do not decay either; a transformer's tokens and positions unless given. */
  readonly undecayed?: readonly string[];
  /** The learning rate of each block of a transformer is that of the one after it times this; 1 unless given. */
  readonly layerDecay?: number;
}

/** What timm leaves undecayed of a vision transformer, beside its vectors. */
const tokensAndPositions = ['cls_token', 'dist_token', 'pos_embed'];

/**
 * PyTorch's `AdamW` (Loshchilov and Hutter, arXiv 1711.05101), t counted from 1:
 * w ← w · (1 − learningRate · weightDecay); m ← β₁ · m + (1 − β₁) · g; v ← β₂ · v + (1 − β₂) · g²;
 * w ← w − learningRate / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + ε).
 *
 * @throws LabError of kind `option` for a layer decay of a model that has no blocks.
 */
export function adamW(parameters: readonly StateTensor[], options: AdamWOptions): Optimiser {
  const { betas, weightDecay, epsilon = 1e-8, undecayed = tokensAndPositions } = options;
  const [beta1, beta2] = betas;
  const scales = layerScales(parameters, options.layerDecay ?? 1);
  const decays = parameters.map(
    ({ name, value }) => value.rank > 1 && !name.endsWith('.bias') && !undecayed.includes(name),
  );
  const zeros = (): tf.Tensor[] => parameters.map(({ value }) => tf.keep(tf.zerosLike(value)));
  let first = zeros();
  let second = zeros();
  let steps = 0;
  const dispose = (): void => void [...first, ...second].forEach((moment) => moment.dispose());

  const stepOne = (parameter: StateTensor, gradient: tf.Tensor, at: number, rate: number): void => {
    const [weights, m, v] = tf.tidy(() => {
      const m = tf.add(tf.mul(first[at] ?? tf.scalar(0), beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(
        tf.mul(second[at] ?? tf.scalar(0), beta2),
        tf.mul(tf.square(gradient), 1 - beta2),
      );
      const root = tf.div(tf.sqrt(v), Math.sqrt(1 - beta2 ** steps));
      const move = tf.div(tf.mul(m, rate / (1 - beta1 ** steps)), tf.add(root, epsilon));
      const kept = decays[at] ? tf.mul(parameter.value, 1 - rate * weightDecay) : parameter.value;
      return [tf.sub(kept, move), m, v] as const;
    });
    first[at]?.dispose();
    second[at]?.dispose();
    first[at] = tf.keep(m);
    second[at] = tf.keep(v);
    parameter.replace(weights);
  };

  return {
    step(gradients, learningRate) {
      steps++;
      parameters.forEach((parameter, at) => {
        const gradient = gradients[at];
        if (gradient === undefined) throw new Error(`no gradient of ${parameter.name}`);
        stepOne(parameter, gradient, at, learningRate * (scales[at] ?? 1));
      });
    },
    save: () =>
      new Map([
        ['adamw/first', concatenated(first)],
        ['adamw/second', concatenated(second)],
        // float32 holds whole numbers exactly, up to sixteen million.
        ['adamw/steps', { shape: [1], data: Float32Array.of(steps) }],
      ]),
    restore(entries) {
      const firstSaved = parted(entries.get('adamw/first'), parameters);
      const secondSaved = parted(entries.get('adamw/second'), parameters);
      dispose();
      [first, second] = [firstSaved, secondSaved];
      steps = entries.get('adamw/steps')?.data[0] ?? 0;
    },
    dispose,
  };
}

const block = /^blocks\.(\d+)\./;
const stem = /^(cls_token|dist_token|pos_embed|patch_embed\.)/;

/**
 * The factor of each parameter's learning rate, as BEiT's and MAE's fine-tuning have it: decay^(L + 1 − l)
 * with l = 0 for patches, tokens and positions, 1 … L for the blocks, L + 1 for the last norm, the heads
 * and all that does not belong to a transformer. All 1 for a decay of 1.
 *
 * @throws LabError of kind `option` when no parameter belongs to a block.
 */
function layerScales(parameters: readonly StateTensor[], decay: number): number[] {
  if (decay === 1) return parameters.map(() => 1);
  const blocks = parameters.map(({ name }) => Number(block.exec(name)?.[1] ?? -1));
  const last = Math.max(-1, ...blocks) + 2;
  if (last === 1) {
    throw optionError`a learning rate that shrinks from block to block needs a transformer (layerDecay): found parameters such as ${parameters[0]?.name ?? 'none'}. Leave it out for a convolutional network`;
  }
  return parameters.map(({ name }, at) => {
    const inBlock = blocks[at] ?? -1;
    const layer = inBlock >= 0 ? inBlock + 1 : stem.test(name) ? 0 : last;
    return decay ** (last - layer);
  });
}

/** Tensors one after the other, in their own order of numbers. */
export function concatenated(tensors: readonly tf.Tensor[]): StateEntry {
  const size = tensors.reduce((sum, tensor) => sum + tensor.size, 0);
  const data = new Float32Array(size);
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.dataSync<'float32'>(), at);
    at += tensor.size;
  }
  return { shape: [size], data };
}

/** The inverse of `concatenated`: kept tensors in the shapes of the parameters. */
export function parted(
  entry: StateEntry | undefined,
  parameters: readonly StateTensor[],
): tf.Tensor[] {
  const size = parameters.reduce((sum, { value }) => sum + value.size, 0);
  if (entry?.data.length !== size) {
    throw resultsError`a checkpoint holds the state of another optimiser: found ${entry?.data.length ?? 'no'} numbers for ${size} parameters. Delete the run’s folder to train it from its beginning`;
  }
  let at = 0;
  return parameters.map(({ value }) => {
    const part = entry.data.slice(at, at + value.size);
    at += value.size;
    return tf.keep(tf.tensor(part, value.shape));
  });
}
