import * as tf from '@tensorflow/tfjs';
import { storedFloat } from '../engine/native';
import { inFloatType } from '../engine/operations/activations';
import type { ForwardMode } from './layers';

/**
 * A forward pass whose batch norms take the batch's statistics, as PyTorch's DataParallel runs it: the batch in `mode.replicas` parts of its own order,
 * ⌈batch / replicas⌉ samples each but the last, and of each part its own batch statistics; running statistics
 * move by the first part alone. No part but the last has less than two samples.
 *
 * @param inputs whose first axis is the batch
 * @param forward what runs on each part
 * @param join puts the parts' results together
 */
export function inReplicas<const Inputs extends readonly tf.Tensor[], Result>(
  inputs: Inputs,
  mode: ForwardMode,
  forward: (inputs: Inputs, mode: ForwardMode) => Result,
  join: (results: readonly Result[]) => Result,
): Result {
  const { training, batchStatistics = false, replicas = 1 } = mode;
  const batch = inputs[0]?.shape[0] ?? 0;
  const size = Math.max(2, Math.ceil(batch / replicas));
  if (!(training || batchStatistics) || size >= batch) return forward(inputs, mode);
  const starts = Array.from({ length: Math.ceil(batch / size) }, (_, part) => part * size);
  return join(
    starts.map((start) => {
      const part = inputs.map((input) => sliced(input, start, Math.min(size, batch - start)));
      // A slice has the type and the rank of its input.
      return forward(part as unknown as Inputs, start === 0 ? mode : { ...mode, moving: false });
    }),
  );
}

/** TensorFlow.js takes a bfloat16 for a float32. */
function sliced(input: tf.Tensor, start: number, size: number): tf.Tensor {
  return inFloatType(tf.slice(inFloatType(input, 'float32'), start, size), storedFloat(input));
}

/** Lists of tensors, each concatenated with those of its place in the other lists. */
export function joinedBatches<T extends tf.Tensor>(lists: readonly (readonly T[])[]): T[] {
  const [first = []] = lists;
  return first.map((_, index) =>
    tf.concat<T>(
      lists.flatMap((list) => list[index] ?? []),
      0,
    ),
  );
}
