import { normDirectionLoss } from '../../losses';
import { classMeansOf, teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface NormDirectionTerm extends LossTerm {
  readonly loss: 'normDirection';
}

/** The paper's ND loss: norm and direction at once. */
export function normDirection({ weight = 1 }: { weight?: number } = {}): NormDirectionTerm {
  return { loss: 'normDirection', weight };
}

defineTerm<NormDirectionTerm>({
  loss: 'normDirection',
  needs: ['teacher', 'class means', 'teacher space'],
  compute: (_, signals) =>
    normDirectionLoss(
      signals.studentEmbedding,
      teacherOf(signals).embedding,
      signals.labels,
      classMeansOf(signals),
    ),
});
