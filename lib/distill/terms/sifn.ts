import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../errors';
import { detachedSifnLoss, embeddingNorms, NormMemory, sifnLoss } from '../../losses';
import type { Model } from '../../nn/model';
import { previousWeights } from '../previous-weights';
import type { BatchSignals } from '../signals';
import { defineTerm, type LossTerm, type TermPart } from '../term';

/**
 * What SIFN takes as the norm under the previous step's weights: the current norm held constant, the
 * sample's norm when it was last seen, or what those very weights give for the batch, at the cost of a
 * forward pass.
 */
export type PreviousNorm = 'detached' | 'lastVisit' | 'exact';

export interface SifnTerm extends LossTerm {
  readonly loss: 'sifn';
  /** r of the paper. */
  readonly step: number;
  readonly previousNorm: PreviousNorm;
}

/** The stepwise increasing feature norm. */
export function sifn({
  weight = 1,
  step = 1,
  previousNorm = 'detached',
}: Partial<Omit<SifnTerm, 'loss'>> = {}): SifnTerm {
  return { loss: 'sifn', weight, step, previousNorm };
}

defineTerm<SifnTerm>({
  loss: 'sifn',
  needs: [],
  part(term, { samples, student }) {
    switch (term.previousNorm) {
      case 'detached':
        return { loss: ({ studentEmbedding }) => detachedSifnLoss(studentEmbedding, term) };
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
      const { studentEmbedding } = signals;
      const places = placesOf(signals);
      const current = remember(embeddingNorms(studentEmbedding));
      visit = { places, norms: current };
      const previous = norms.previous(places, current.dataSync<'float32'>());
      return sifnLoss(studentEmbedding, tf.tensor1d(previous), term);
    },
    commit() {
      if (visit) norms.update(visit.places, visit.norms.dataSync<'float32'>());
    },
    memory: {
      save: () =>
        new Map([
          [
            'norms',
            { shape: [norms.samples], data: new Float32Array(norms.toBytes().slice().buffer) },
          ],
        ]),
      restore(entries) {
        const { data } = entries.get('norms') ?? { data: new Float32Array(0) };
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        norms = NormMemory.fromBytes(bytes, norms.samples);
      },
    },
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
    prepare(images, { remember }) {
      previous = tf.tidy(() => {
        const output = weights.forward(images);
        return output && remember(embeddingNorms(output.embedding));
      });
      weights.note();
    },
    loss: ({ student: { embedding } }) =>
      previous ? sifnLoss(embedding, previous, term) : detachedSifnLoss(embedding, term),
    commit: () => weights.advance(),
    memory: weights,
    dispose: () => weights.dispose(),
  };
}

function placesOf({ indices }: BatchSignals): Int32Array {
  if (indices !== undefined) return indices;
  throw new LabError({
    kind: 'data',
    what: 'a method that remembers each sample’s norm needs to know the samples',
    remedy: 'Give the batch its indices in the training set',
  });
}
