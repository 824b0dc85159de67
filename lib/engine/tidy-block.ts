import * as tf from '@tensorflow/tfjs';

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
