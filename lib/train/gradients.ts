import * as tf from '@tensorflow/tfjs';
import { tensorFunction } from '../engine/functions/tensor-function';
import { isNative } from '../engine/native';
import type { StateTensor } from '../nn/state';
import type { TrainingPass } from '../nn/traced';

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

/** The losses of a batch as tensors. */
export interface Losses {
  /** What is differentiated. */
  readonly total: tf.Scalar;
  /** What it consists of, weights in them: means over the samples. */
  readonly terms: readonly tf.Scalar[];
  /** What is counted beside them, such as hits: sums over the samples. */
  readonly counts: readonly tf.Scalar[];
}

/** The same as numbers. */
export interface Measured {
  readonly total: number;
  readonly terms: Float32Array;
  readonly counts: Float32Array;
}

/** Losses that are still to be read from the device. */
export interface Unread {
  /** Waits until they are computed; once. */
  read(): Measured;
}

/** What a batch, or a part of one, gives; the gradients belong to the tidy around it. */
export interface Differentiated {
  readonly gradients: readonly tf.Tensor[];
  readonly losses: Unread;
}

/** Runs the losses and differentiates their total; all of them are read from the device at once. */
export function backward(
  losses: () => Losses,
  parameters: readonly StateTensor[],
  pass?: TrainingPass,
): Differentiated {
  let all: tf.Tensor | undefined;
  let termCount = 0;
  const { gradients } = lossAndGradients(
    () => {
      const { total, terms, counts } = losses();
      termCount = terms.length;
      all = tf.keep(tf.stack([total, ...terms, ...counts]));
      return total;
    },
    parameters,
    pass,
  );
  if (all === undefined) throw new Error('the loss was not computed');
  return { gradients, losses: unread(all, termCount) };
}

function unread(all: tf.Tensor, termCount: number): Unread {
  return {
    read() {
      const numbers = all.dataSync<'float32'>().slice();
      all.dispose();
      return {
        total: numbers[0] ?? NaN,
        terms: numbers.slice(1, 1 + termCount),
        counts: numbers.slice(1 + termCount),
      };
    },
  };
}

/**
 * The gradients and losses of a whole batch from those of its parts, each weighted by its share of the
 * samples; counts are added up. Of one part they are passed on as they are, to the bit.
 */
export function summedOverParts<Part>(
  parts: readonly Part[],
  shareOf: (part: Part) => number,
  work: (part: Part, index: number) => Differentiated,
): Differentiated {
  const [only, ...others] = parts;
  if (only === undefined) throw new Error('a batch has at least one part');
  if (others.length === 0) return work(only, 0);
  let gradients: tf.Tensor[] = [];
  const losses: { readonly share: number; readonly of: Unread }[] = [];
  parts.forEach((part, index) => {
    const share = shareOf(part);
    const before = gradients;
    // Each part's activations are freed before the next one's are made.
    gradients = tf.tidy(() => {
      const own = work(part, index);
      losses.push({ share, of: own.losses });
      return own.gradients.map((gradient, at) => {
        const weighted = tf.mul(gradient, share);
        const sum = before[at];
        return sum === undefined ? weighted : tf.add(sum, weighted);
      });
    });
    before.forEach((gradient) => gradient.dispose());
  });
  return {
    gradients,
    losses: {
      read: () => losses.reduce((sum, { share, of }) => addedTo(sum, of.read(), share), nothing),
    },
  };
}

function addedTo(sum: Measured, part: Measured, share: number): Measured {
  return {
    total: sum.total + share * part.total,
    terms: part.terms.map((term, index) => (sum.terms[index] ?? 0) + share * term),
    counts: part.counts.map((count, index) => (sum.counts[index] ?? 0) + count),
  };
}

const nothing: Measured = { total: 0, terms: new Float32Array(0), counts: new Float32Array(0) };

/** Keeps the division finite, as PyTorch does. */
const tiny = 1e-6;

/**
 * All gradients times min(1, limit / (‖g‖₂ + 1e-6)), ‖g‖₂ over all of them together: PyTorch's
 * `clip_grad_norm_`. The caller owns (or tidies) what comes back.
 */
function clipByGlobalNorm(gradients: readonly tf.Tensor[], limit: number): tf.Tensor[] {
  return tf.tidy(() => {
    const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(tf.addN(squares));
    const factor = tf.minimum(tf.div(limit, tf.add(norm, tiny)), 1);
    return gradients.map((gradient) => tf.mul(gradient, factor));
  });
}

/** Clips the gradients of one step after another. */
export interface GradientClip {
  /** The caller owns (or tidies) what comes back. */
  clip(gradients: readonly tf.Tensor[]): tf.Tensor[];
  dispose(): void;
}

/** `clipByGlobalNorm` for the gradients of these parameters, in one call of TensorFlow's where that is the engine. */
export function globalNormClip(parameters: readonly StateTensor[], limit: number): GradientClip {
  let joined: ReturnType<typeof tensorFunction> | undefined;
  return {
    clip(gradients) {
      if (!isNative()) return clipByGlobalNorm(gradients, limit);
      joined ??= tensorFunction(
        parameters.map(({ value }) => value.shape),
        (given) => clipByGlobalNorm(given, limit),
      );
      return joined.run(gradients);
    },
    dispose: () => joined?.dispose(),
  };
}
