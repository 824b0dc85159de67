import { relationalLoss } from '../../losses';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface RkdTerm extends LossTerm {
  readonly loss: 'rkd';
  /** Weight of the distances between two samples. */
  readonly distance: number;
  /** Weight of the angles between three samples. */
  readonly angle: number;
}

/** RKD (Park et al., 2019): distances and angles between the embeddings of a batch. */
export function rkd({
  weight = 1,
  distance = 25,
  angle = 50,
}: Partial<Omit<RkdTerm, 'loss'>> = {}): RkdTerm {
  return { loss: 'rkd', weight, distance, angle };
}

defineTerm<RkdTerm>({
  loss: 'rkd',
  needs: ['teacher'],
  compute: ({ distance, angle }, signals) =>
    relationalLoss(signals.student.embedding, teacherOf(signals).embedding, {
      distanceWeight: distance,
      angleWeight: angle,
    }),
});
