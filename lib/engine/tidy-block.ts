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
