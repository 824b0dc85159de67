import { naiveFeatureLoss } from '../../losses';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface NaiveFeatureTerm extends LossTerm {
  readonly loss: 'naiveFeature';
}

/** The student's embedding towards the teacher's, number by number. */
export function naiveFeature({ weight = 1 }: { weight?: number } = {}): NaiveFeatureTerm {
  return { loss: 'naiveFeature', weight };
}

defineTerm<NaiveFeatureTerm>({
  loss: 'naiveFeature',
  needs: ['teacher', 'teacher space'],
  compute: (_, signals) => naiveFeatureLoss(signals.studentEmbedding, teacherOf(signals).embedding),
});
