import { naiveNormLoss } from '../../losses';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface NaiveNormTerm extends LossTerm {
  readonly loss: 'naiveNorm';
}

/** The student's norm towards the teacher's, sample by sample. */
export function naiveNorm({ weight = 1 }: { weight?: number } = {}): NaiveNormTerm {
  return { loss: 'naiveNorm', weight };
}

defineTerm<NaiveNormTerm>({
  loss: 'naiveNorm',
  needs: ['teacher', 'teacher space'],
  compute: (_, signals) => naiveNormLoss(signals.studentEmbedding, teacherOf(signals).embedding),
});
