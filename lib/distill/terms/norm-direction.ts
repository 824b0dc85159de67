import * as tf from '@tensorflow/tfjs';
import { optionError } from '../../errors';
import { normChoices, normDirectionLoss, type NormDirectionOptions } from '../../losses';
import { type EmbeddingAdapter, embeddingAdapter } from '../adapter';
import { mixedClassMeans } from '../objective';
import {
  type BatchSignals,
  defineTerm,
  featureAt,
  type FeaturePlace,
  featureSize,
  type LossTerm,
  type PartContext,
  teacherOf,
  termKind,
} from '../term';
import {
  classifierPart,
  type Directed,
  directionChoices,
  directionNeeds,
  signalDirections,
} from './direction';

export interface NormDirectionTerm extends LossTerm, NormDirectionOptions, Directed {
  readonly loss: 'normDirection';
}

/** The paper's ND loss: norm and direction at once. Options that are not given are not in the recipe. */
export const normDirection = termKind<NormDirectionTerm>({
  loss: 'normDirection',
  choices: { norm: normChoices, directions: directionChoices },
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

export interface MixedNormDirectionTerm extends LossTerm {
  readonly loss: 'mixedNormDirection';
  /** As that of the labels; see `mixedClassMeans`. */
  readonly smoothing: number;
}

/** The ND loss of DeiT++: the class means are mixed and smoothed like the labels before they give a direction. */
export const mixedNormDirection = termKind<MixedNormDirectionTerm>({
  loss: 'mixedNormDirection',
  defaults: { smoothing: 0.1 },
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

export interface NormDirectionAtTerm extends LossTerm {
  readonly loss: 'normDirectionAt';
  readonly place: FeaturePlace;
}

/** The ND loss on features of another place, with the teacher's class means there. */
export function normDirectionAt({
  weight = 1,
  place,
  warmUpEpochs,
}: Partial<Omit<NormDirectionAtTerm, 'loss' | 'place'>> &
  Pick<NormDirectionAtTerm, 'place'>): NormDirectionAtTerm {
  return {
    ...{ loss: 'normDirectionAt', weight, place },
    ...(warmUpEpochs === undefined ? {} : { warmUpEpochs }),
  };
}

defineTerm<NormDirectionAtTerm>({
  loss: 'normDirectionAt',
  needs: ({ place }) => ['teacher', ...(place === 'earlier stage' ? (['features'] as const) : [])],
  classMeansPlace: ({ place }) => place,
  part({ place }, context) {
    const { student, teacher, seed, adapterStart, adapterDropout } = context;
    if (teacher === undefined) throw new Error('ND is given a teacher');
    const [studentSize, teacherSize] = [featureSize(student, place), featureSize(teacher, place)];
    const means = tf.keep(tf.tensor2d(meansOf(place, context), [teacher.classes, teacherSize]));
    const adapter: EmbeddingAdapter | undefined =
      studentSize === teacherSize
        ? undefined
        : embeddingAdapter({
            ...{ studentSize, teacherSize, seed },
            ...{ linearStart: adapterStart, dropoutProbability: adapterDropout },
          });
    return {
      state: adapter?.state,
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

function meansOf(layer: FeaturePlace, { classMeansAt }: PartContext): Float32Array {
  const means = classMeansAt?.get(layer);
  // A copy: TensorFlow reads the array's own memory later.
  if (means !== undefined) return means.slice();
  throw optionError`a method needs the teacher’s class means of another place than the embedding: found ${layer}. Give them as the teacher’s \`classMeansAt\``;
}
