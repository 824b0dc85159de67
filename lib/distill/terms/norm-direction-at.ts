import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../errors';
import { normDirectionLoss } from '../../losses';
import { type EmbeddingAdapter, embeddingAdapter } from '../adapter';
import { featureAt, type FeaturePlace, featureSize } from '../feature-place';
import { teacherOf } from '../signals';
import { defineTerm, type LossTerm, type PartContext } from '../term';

export interface NormDirectionAtTerm extends LossTerm {
  readonly loss: 'normDirectionAt';
  readonly place: FeaturePlace;
}

/** The ND loss on features of another place, with the teacher's class means there. */
export function normDirectionAt({
  weight = 1,
  place,
}: Partial<Omit<NormDirectionAtTerm, 'loss' | 'place'>> &
  Pick<NormDirectionAtTerm, 'place'>): NormDirectionAtTerm {
  return { loss: 'normDirectionAt', weight, place };
}

defineTerm<NormDirectionAtTerm>({
  loss: 'normDirectionAt',
  needs: ({ place }) => ['teacher', ...(place === 'earlier stage' ? (['features'] as const) : [])],
  classMeansPlace: ({ place }) => place,
  part({ place }, context) {
    const { student, teacher, seed } = context;
    if (teacher === undefined) throw new Error('ND is given a teacher');
    const [studentSize, teacherSize] = [featureSize(student, place), featureSize(teacher, place)];
    const means = tf.keep(tf.tensor2d(meansOf(place, context), [teacher.classes, teacherSize]));
    const adapter: EmbeddingAdapter | undefined =
      studentSize === teacherSize
        ? undefined
        : embeddingAdapter({ studentSize, teacherSize, seed });
    return {
      ...(adapter ? { state: adapter.state } : {}),
      loss(signals, { mode }) {
        const own = featureAt(signals.student, place);
        return normDirectionLoss(
          adapter ? adapter.forward(own, mode) : own,
          featureAt(teacherOf(signals), place),
          signals.labels,
          means,
        );
      },
      dispose() {
        means.dispose();
      },
    };
  },
});

function meansOf(place: FeaturePlace, { classMeansAt }: PartContext): Float32Array {
  const means = classMeansAt?.get(place);
  // A copy: TensorFlow reads the array's own memory later.
  if (means !== undefined) return means.slice();
  throw new LabError({
    kind: 'option',
    what: 'a method needs the teacher’s class means of another place than the embedding',
    found: place,
    remedy: 'Give them as the teacher’s `classMeansAt`',
  });
}
