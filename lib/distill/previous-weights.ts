import * as tf from '@tensorflow/tfjs';
import { LabError } from '../errors';
import type { Model, ModelOutput } from '../nn/model';
import type { StateDict, StateEntry } from '../nn/state';

/** A student's weights before the last optimiser step: Θ_previous beside the current Θ. */
export interface PreviousWeights {
  /**
   * What the previous weights give for a batch: batch norms take the batch's statistics, as in training,
   * and no running statistics move. Undefined before the first step.
   */
  forward(images: tf.Tensor4D): ModelOutput | undefined;
  /** Notes the weights as they are now, before a step. */
  note(): void;
  /** The step was taken: the noted weights are the previous ones from here on. */
  advance(): void;
  save(): StateDict;
  /** @throws LabError when the entries are those of another network. */
  restore(entries: StateDict): void;
  dispose(): void;
}

/** Holds no copies of numbers: tensors are never changed in place, so the old ones are kept. */
export function previousWeights({ state, forward }: Model): PreviousWeights {
  let previous: tf.Tensor[] = [];
  let noted: tf.Tensor[] = [];
  const takenOver = (values: tf.Tensor[]): void => {
    tf.dispose(previous);
    previous = values;
  };
  return {
    forward: (images) =>
      previous.length === 0
        ? undefined
        : state.withTrainable(previous, () =>
            forward(images, { training: false, batchStatistics: true }),
          ),
    note() {
      tf.dispose(noted);
      noted = state.trainable.map(({ value }) => tf.keep(tf.clone(value)));
    },
    advance() {
      takenOver(noted);
      noted = [];
    },
    save: () =>
      new Map(
        state.trainable.flatMap(({ name }, index): [string, StateEntry][] => {
          const value = previous[index];
          return value
            ? [[name, { shape: value.shape, data: value.dataSync<'float32'>().slice() }]]
            : [];
        }),
      ),
    restore(entries) {
      if (entries.size === 0) return takenOver([]);
      takenOver(
        state.trainable.map(({ name, value }) => {
          const entry = entries.get(name);
          if (entry?.shape.join() !== value.shape.join()) throw misfit(name);
          return tf.keep(tf.tensor(entry.data.slice(), [...entry.shape]));
        }),
      );
    },
    dispose() {
      tf.dispose([...previous, ...noted]);
      previous = [];
      noted = [];
    },
  };
}

function misfit(name: string): LabError {
  return new LabError({
    kind: 'model',
    what: 'the previous weights are not those of this student',
    found: `no '${name}' of its shape`,
    remedy: 'Resume with the student that the run was started with, or start a new run',
  });
}
