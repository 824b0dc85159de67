import type * as tf from '@tensorflow/tfjs';
import { directionCosineLoss } from '../../losses';
import { classifierPart, type Directed, directionNeeds, signalDirections } from '../directions';
import type { BatchSignals } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface DirectionCosineTerm extends LossTerm, Directed {
  readonly loss: 'directionCosine';
}

/** Direction by cosine with the own class's mean, or with the teacher's classifier's weights of the class. */
export function directionCosine({
  weight = 1,
  ...options
}: Partial<Omit<DirectionCosineTerm, 'loss'>> = {}): DirectionCosineTerm {
  return { loss: 'directionCosine', weight, ...options };
}

defineTerm<DirectionCosineTerm>({
  loss: 'directionCosine',
  needs: directionNeeds,
  compute: (term, signals) => cosine(signals, signalDirections(term, signals)),
  part: (term, context) => classifierPart(term, context, cosine),
});

function cosine({ studentEmbedding, labels }: BatchSignals, directions: tf.Tensor2D): tf.Scalar {
  return directionCosineLoss(studentEmbedding, labels, directions);
}
