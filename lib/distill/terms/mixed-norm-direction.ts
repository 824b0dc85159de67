import * as tf from '@tensorflow/tfjs';
import { normDirectionLoss } from '../../losses';
import { mixedClassMeans } from '../mixing';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm } from '../term';

export interface MixedNormDirectionTerm extends LossTerm {
  readonly loss: 'mixedNormDirection';
  /** As that of the labels; see `mixedClassMeans`. */
  readonly smoothing: number;
}

/** The ND loss of DeiT++: the class means are mixed and smoothed like the labels before they give a direction. */
export function mixedNormDirection({
  weight = 1,
  smoothing = 0.1,
}: Partial<Omit<MixedNormDirectionTerm, 'loss'>> = {}): MixedNormDirectionTerm {
  return { loss: 'mixedNormDirection', weight, smoothing };
}

defineTerm<MixedNormDirectionTerm>({
  loss: 'mixedNormDirection',
  needs: ['teacher', 'class means', 'teacher space'],
  compute({ smoothing }, signals) {
    const { studentEmbedding } = signals;
    const eachItsOwn = tf.range(0, studentEmbedding.shape[0], 1, 'int32');
    return normDirectionLoss(
      studentEmbedding,
      teacherOf(signals).embedding,
      eachItsOwn,
      mixedClassMeans(signals, smoothing),
    );
  },
});
