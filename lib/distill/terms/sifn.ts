import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../errors';
import { detachedSifnLoss, embeddingNorms, NormMemory, sifnLoss } from '../../losses';
import type { BatchSignals } from '../signals';
import { defineTerm, type LossTerm, type TermPart } from '../term';

/** What SIFN takes as the norm under the previous step's weights. */
export type PreviousNorm = 'detached' | 'lastVisit';

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
  part: (term, { samples }) =>
    term.previousNorm === 'detached'
      ? { loss: ({ studentEmbedding }) => detachedSifnLoss(studentEmbedding, term) }
      : againstLastVisit(term, new NormMemory(samples)),
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

function placesOf({ indices }: BatchSignals): Int32Array {
  if (indices !== undefined) return indices;
  throw new LabError({
    kind: 'data',
    what: 'a method that remembers each sample’s norm needs to know the samples',
    remedy: 'Give the batch its indices in the training set',
  });
}
