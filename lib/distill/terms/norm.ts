import * as tf from '@tensorflow/tfjs';
import { dataError, type LabError, modelError } from '../../errors';
import {
  detachedSifnLoss,
  embeddingNorms,
  naiveFeatureLoss,
  naiveNormLoss,
  NormMemory,
  sifnLoss,
} from '../../losses';
import type { ForwardMode } from '../../nn/layers';
import type { Model, ModelOutput } from '../../nn/model';
import type { StateDict, StateEntry } from '../../nn/state';
import {
  type BatchSignals,
  termKind,
  type LossTerm,
  type PlainTerm,
  teacherOf,
  type TermPart,
} from '../term';

/** A student's weights before the last optimiser step: Θ_previous beside the current Θ. */
interface PreviousWeights {
  /**
   * What the previous weights give for a batch: batch norms take the batch's statistics, as in training and of
   * the same parts, and no running statistics move. Undefined before the first step.
   */
  forward(images: tf.Tensor4D, norms?: Pick<ForwardMode, 'replicas'>): ModelOutput | undefined;
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
    forward: (images, { replicas } = {}) =>
      previous.length === 0
        ? undefined
        : state.withTrainable(previous, () =>
            forward(images, { training: false, batchStatistics: true, replicas }),
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
  return modelError`the previous weights are not those of this student: found no '${name}' of its shape. Resume with the student that the run was started with, or start a new run`;
}

/** The student's norm towards the teacher's, sample by sample. */
export const naiveNorm = termKind<PlainTerm<'naiveNorm'>>({
  loss: 'naiveNorm',
  needs: ['teacher', 'teacher space'],
  compute: (_, signals) => naiveNormLoss(signals.studentEmbedding, teacherOf(signals).embedding),
});

/** The student's embedding towards the teacher's, number by number. */
export const naiveFeature = termKind<PlainTerm<'naiveFeature'>>({
  loss: 'naiveFeature',
  needs: ['teacher', 'teacher space'],
  compute: (_, signals) => naiveFeatureLoss(signals.studentEmbedding, teacherOf(signals).embedding),
});

const previousNorms = ['detached', 'lastVisit', 'exact'] as const;

/**
 * What SIFN takes as the norm under the previous step's weights: the current norm held constant, the
 * sample's norm when it was last seen, or what those very weights give for the batch, at the cost of a
 * forward pass.
 */
export type PreviousNorm = (typeof previousNorms)[number];

export interface SifnTerm extends LossTerm {
  readonly loss: 'sifn';
  /** r of the paper. */
  readonly step: number;
  readonly previousNorm: PreviousNorm;
}

/** The stepwise increasing feature norm, of the student's own embedding, before an adapter. */
export const sifn = termKind<SifnTerm>({
  loss: 'sifn',
  defaults: { step: 1, previousNorm: 'detached' },
  choices: { previousNorm: previousNorms },
  needs: [],
  part(term, { samples, student }) {
    switch (term.previousNorm) {
      case 'detached':
        return { loss: (signals) => detachedSifnLoss(signals.student.embedding, term) };
      case 'lastVisit':
        return againstLastVisit(term, new NormMemory(samples));
      case 'exact':
        return againstPreviousWeights(term, student);
    }
  },
});

function againstLastVisit(term: SifnTerm, memory: NormMemory): TermPart {
  let norms = memory;
  let visit: { readonly places: Int32Array; readonly norms: tf.Tensor1D } | undefined;
  return {
    loss(signals, { remember }) {
      const { embedding } = signals.student;
      const indices = placesOf(signals);
      const current = remember(embeddingNorms(embedding));
      visit = { places: indices, norms: current };
      return sifnLoss(embedding, norms.previous(indices, current), term);
    },
    commit() {
      if (visit) norms.update(visit.places, visit.norms);
    },
    memory: {
      save: () =>
        new Map([
          ['norms', { shape: [norms.samples], data: new Float32Array(norms.toBytes().buffer) }],
        ]),
      restore(entries) {
        const { data } = entries.get('norms') ?? { data: new Float32Array(0) };
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        const read = NormMemory.fromBytes(bytes, norms.samples);
        norms.dispose();
        norms = read;
      },
    },
    dispose: () => norms.dispose(),
  };
}

/**
 * The first step has no previous weights and takes the current norm held constant. Both norms are those
 * of the student's own embedding, before an adapter, which has weights and dropout of its own.
 */
function againstPreviousWeights(term: SifnTerm, student: Model): TermPart {
  const weights = previousWeights(student);
  let previous: tf.Tensor1D | undefined;
  return {
    prepare(images, { remember, norms }) {
      previous = tf.tidy(() => {
        const output = weights.forward(images, norms);
        return output && remember(embeddingNorms(output.embedding));
      });
      weights.note();
    },
    loss: ({ student: { embedding } }) =>
      previous ? sifnLoss(embedding, previous, term) : detachedSifnLoss(embedding, term),
    // The weights of a batch in parts are the same for all of them.
    commit(stepped) {
      if (stepped) weights.advance();
    },
    memory: weights,
    dispose: () => weights.dispose(),
  };
}

function placesOf({ indices }: BatchSignals): Int32Array {
  if (indices !== undefined) return indices;
  throw dataError`a method that remembers each sample’s norm needs to know the samples. Give the batch its indices in the training set`;
}
