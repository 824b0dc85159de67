import * as tf from '@tensorflow/tfjs';
import { resultsError } from '../errors';
import type { StateEntry, StateTensor } from '../nn/state';

/** Tensors laid end to end, each in its own order of numbers. */
export function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat1d(tensors.map((tensor) => tf.reshape(tensor, [tensor.size])));
}

/** The inverse of `flatten`: its numbers in the shapes of these tensors. */
export function splitAs(
  joined: tf.Tensor1D,
  tensors: readonly { readonly shape: number[]; readonly size: number }[],
): tf.Tensor[] {
  const parts: tf.Tensor1D[] =
    tensors.length === 1
      ? [joined]
      : tf.split(
          joined,
          tensors.map(({ size }) => size),
        );
  return parts.map((part, index) => tf.reshape(part, tensors[index]?.shape ?? []));
}

/** How many numbers they have. */
export function sizeOfAll(parameters: readonly StateTensor[]): number {
  return parameters.reduce((sum, { value }) => sum + value.size, 0);
}

/** As `flatten`, read for a checkpoint. */
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
  const size = sizeOfAll(parameters);
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
