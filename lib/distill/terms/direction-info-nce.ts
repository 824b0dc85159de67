import { directionInfoNceLoss } from '../../losses';
import { classMeansOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface DirectionInfoNceTerm extends LossTerm {
  readonly loss: 'directionInfoNce';
  readonly temperature: number;
}

/** Direction by InfoNCE over all class means. */
export function directionInfoNce({
  weight = 1,
  temperature = 0.1,
}: Partial<Omit<DirectionInfoNceTerm, 'loss'>> = {}): DirectionInfoNceTerm {
  return { loss: 'directionInfoNce', weight, temperature };
}

defineTerm<DirectionInfoNceTerm>({
  loss: 'directionInfoNce',
  needs: ['class means', 'teacher space'],
  compute: (term, signals) =>
    directionInfoNceLoss(signals.studentEmbedding, signals.labels, classMeansOf(signals), term),
});
