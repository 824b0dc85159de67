import type * as tf from '@tensorflow/tfjs';
import { normDirectionLoss, type NormDirectionOptions } from '../../losses';
import { classifierPart, type Directed, directionNeeds, signalDirections } from '../directions';
import { type BatchSignals, teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface NormDirectionTerm extends LossTerm, NormDirectionOptions, Directed {
  readonly loss: 'normDirection';
}

/** The paper's ND loss: norm and direction at once. Options that are not given are not in the recipe. */
export function normDirection({
  weight = 1,
  ...options
}: Partial<Omit<NormDirectionTerm, 'loss'>> = {}): NormDirectionTerm {
  return { loss: 'normDirection', weight, ...options };
}

defineTerm<NormDirectionTerm>({
  loss: 'normDirection',
  needs: (term) => ['teacher', ...directionNeeds(term)],
  compute: (term, signals) => valueOf(term, signals, signalDirections(term, signals)),
  part: (term, context) =>
    classifierPart(term, context, (signals, directions) => valueOf(term, signals, directions)),
});

function valueOf(
  term: NormDirectionTerm,
  signals: BatchSignals,
  directions: tf.Tensor2D,
): tf.Scalar {
  const { studentEmbedding, labels } = signals;
  return normDirectionLoss(
    studentEmbedding,
    teacherOf(signals).embedding,
    labels,
    directions,
    term,
  );
}
