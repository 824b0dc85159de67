import * as tf from '@tensorflow/tfjs';
import type { ModelState, StateDict, StateEntry } from '../nn/state';
import { concatenated, parted } from './end-to-end';

export interface WeightAverageOptions {
  /** How much of the average stays at each step: 0.9999 and the like. */
  readonly decay: number;
}

/** A running average of a model's weights, and of its batch norms' statistics. */
export interface WeightAverage {
  /** After each step of the optimiser. */
  update(): void;
  /** Does `work` with the averaged weights in the model. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Leaves the averaged weights in the model. */
  settle(): void;
  /** What a checkpoint keeps. */
  save(): Map<string, StateEntry>;
  /** @throws LabError of kind `results` when the entries are another model's. */
  restore(entries: StateDict): void;
  /** Frees the averages. */
  dispose(): void;
}

/**
 * average ← decay · average + (1 − decay) · weights, beginning with the first weights: timm's
 * `ModelEmaV2`, which averages running statistics too.
 */
export function weightAverage(state: ModelState, { decay }: WeightAverageOptions): WeightAverage {
  const { tensors } = state;
  let averages = tensors.map(({ value }) => tf.keep(tf.clone(value)));
  const dispose = (): void => averages.forEach((average) => average.dispose());
  const put = (values: readonly tf.Tensor[]): void =>
    tensors.forEach((tensor, at) => {
      const value = values[at];
      if (value !== undefined) tensor.replace(tf.clone(value));
    });
  return {
    update() {
      averages = tensors.map(({ value }, at) => {
        const old = averages[at] ?? value;
        const moved = tf.tidy(() => tf.add(tf.mul(old, decay), tf.mul(value, 1 - decay)));
        old.dispose();
        return tf.keep(moved);
      });
    },
    async during(work) {
      const own = tensors.map(({ value }) => tf.keep(tf.clone(value)));
      put(averages);
      try {
        return await work();
      } finally {
        put(own);
        own.forEach((value) => value.dispose());
      }
    },
    settle: () => put(averages),
    save: () => new Map([['average', concatenated(averages)]]),
    restore(entries) {
      const saved = parted(entries.get('average'), tensors);
      dispose();
      averages = saved;
    },
    dispose,
  };
}
