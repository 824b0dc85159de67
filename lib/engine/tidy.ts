import * as tf from '@tensorflow/tfjs';

/**
 * What `work` returns, with all tensors disposed of that it made. Unlike `tf.tidy` it does not look for
 * tensors in what is returned, which takes seconds for an array of millions of numbers.
 */
export function tidied<T>(work: () => T): T {
  let result: { readonly value: T } | undefined;
  tf.tidy(() => {
    result = { value: work() };
  });
  if (result === undefined) throw new Error('the work did not run');
  return result.value;
}

/**
 * One block of a network: what it makes on the way is freed at once and, where nothing is to be learnt from
 * it (evaluation without a tape), its input as well. Memory then does not grow with depth.
 *
 * @param x owned by the caller until now; shown to nobody else.
 */
export function tidyBlock<T extends tf.Tensor>(
  x: T,
  { training }: { readonly training: boolean },
  block: (x: T) => T,
): T {
  const output = tf.tidy(() => block(x));
  if (!training && !tf.engine().isTapeOn() && output !== x) x.dispose();
  return output;
}

/**
 * A block of a network whose input may be shown to others too. In evaluation without a tape, what the block makes
 * on the way is freed at once, and its input where nobody is shown it: the next block then computes in memory that
 * is still in the processor's cache. In training it is the block alone.
 *
 * @param shown what others are shown and is not freed.
 */
export function evaluatedBlock<T extends tf.Tensor, Result extends tf.TensorContainer>(
  x: T,
  { training }: { readonly training: boolean },
  { shown, block }: { readonly shown: readonly tf.Tensor[]; readonly block: (x: T) => Result },
): Result {
  if (training || tf.engine().isTapeOn()) return block(x);
  const output = tf.tidy(() => block(x));
  if (!shown.includes(x)) x.dispose();
  return output;
}

/** A forward result, what the backward pass needs of it, and the backward pass itself. */
interface DifferentiableResult {
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
