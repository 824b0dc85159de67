import { directionCosineLoss } from '../../losses';
import { classMeansOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface DirectionCosineTerm extends LossTerm {
  readonly loss: 'directionCosine';
}

/** Direction by cosine with the own class's mean. */
export function directionCosine({ weight = 1 }: { weight?: number } = {}): DirectionCosineTerm {
  return { loss: 'directionCosine', weight };
}

defineTerm<DirectionCosineTerm>({
  loss: 'directionCosine',
  needs: ['class means', 'teacher space'],
  compute: (_, signals) =>
    directionCosineLoss(signals.studentEmbedding, signals.labels, classMeansOf(signals)),
});
