import * as tf from '@tensorflow/tfjs';
import { LabError } from '../errors';
import type { StateDict, StateEntry, StateTensor } from '../nn/state';

/** What changes a fixed list of parameters, step by step. */
export interface Optimiser {
  /** Changes every parameter by one step; disposes of nothing that it is given. */
  step(gradients: readonly tf.Tensor[], learningRate: number): void;
  /** What it remembers, for checkpoints. */
  save(): Map<string, StateEntry>;
  /** @throws LabError of kind `results` when the entries are those of other parameters or another optimiser. */
  restore(entries: StateDict): void;
  dispose(): void;
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
    throw new LabError({
      kind: 'results',
      what: 'a checkpoint holds the state of another optimiser',
      found: `${entry?.data.length ?? 'no'} numbers for ${size} parameters`,
      remedy: 'Delete the run’s folder to train it from its beginning',
    });
  }
  let at = 0;
  return parameters.map(({ value }) => {
    const part = entry.data.slice(at, at + value.size);
    at += value.size;
    return tf.keep(tf.tensor(part, value.shape));
  });
}
