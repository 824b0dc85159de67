import type * as tf from '@tensorflow/tfjs';
import { modelError, optionError } from '../../errors';
import { directionCosineLoss, directionInfoNceLoss } from '../../losses';
import type { Model } from '../../nn/model';
import {
  type BatchSignals,
  classMeansOf,
  termKind,
  type LossTerm,
  type Need,
  type PartContext,
  type TermPart,
} from '../term';

export const directionChoices = ['class means', 'classifier'] as const;

/** What gives each class its direction: the teacher's class means (the paper), or its classifier's weights. */
export type Directions = (typeof directionChoices)[number];

/** Held by terms that draw an embedding in the direction of its class. */
export interface Directed {
  /** `class means` when missing. */
  readonly directions?: Directions;
}

/** What such a term needs for its directions. */
export function directionNeeds({ directions = 'class means' }: Directed): Need[] {
  return directions === 'class means' ? ['class means', 'teacher space'] : ['teacher space'];
}

/** The class means, for terms as they are computed from a batch's signals alone. */
export function signalDirections({ directions }: Directed, signals: BatchSignals): tf.Tensor2D {
  if (directions !== 'classifier') return classMeansOf(signals);
  throw optionError`the weights of the teacher’s classifier are not at hand here. Take the class means as directions`;
}

/** A term along the weights of the teacher's classifier; undefined for one along the class means. */
export function classifierPart(
  { directions }: Directed,
  { teacher }: PartContext,
  loss: (signals: BatchSignals, directions: tf.Tensor2D) => tf.Scalar,
): TermPart | undefined {
  if (directions !== 'classifier') return undefined;
  if (teacher === undefined) throw new Error('a term uses the teacher without naming it in needs');
  const { value } = classifierWeights(teacher);
  return { loss: (signals) => loss(signals, value) };
}

/**
 * The weights of a network's last linear layer, `[classes, embeddingSize]`: row k is what the embedding
 * is multiplied with for the logit of class k.
 *
 * @throws LabError of kind `model` where no weight has that shape.
 */
export function classifierWeights(model: Model): { readonly value: tf.Tensor2D } {
  const shape = [model.classes, model.embeddingSize];
  const found = model.state.trainable
    .filter(({ layout, value }) => layout === 'same' && value.shape.join() === shape.join())
    .at(-1);
  if (found !== undefined) return { value: found.value as tf.Tensor2D };
  throw modelError`a network has no linear classifier on its embedding (${model.name}): found no weight of shape [${shape.join(', ')}]. Take the class means as directions`;
}

export interface DirectionCosineTerm extends LossTerm, Directed {
  readonly loss: 'directionCosine';
}

/** Direction by cosine with the own class's mean, or with the teacher's classifier's weights of the class. */
export const directionCosine = termKind<DirectionCosineTerm>({
  loss: 'directionCosine',
  choices: { directions: directionChoices },
  needs: directionNeeds,
  compute: (term, signals) => cosine(signals, signalDirections(term, signals)),
  part: (term, context) => classifierPart(term, context, cosine),
});

function cosine({ studentEmbedding, labels }: BatchSignals, directions: tf.Tensor2D): tf.Scalar {
  return directionCosineLoss(studentEmbedding, labels, directions);
}

export interface DirectionInfoNceTerm extends LossTerm {
  readonly loss: 'directionInfoNce';
  readonly temperature: number;
}

/** Direction by InfoNCE over all class means. */
export const directionInfoNce = termKind<DirectionInfoNceTerm>({
  loss: 'directionInfoNce',
  defaults: { temperature: 0.1 },
  needs: ['class means', 'teacher space'],
  compute: (term, signals) =>
    directionInfoNceLoss(signals.studentEmbedding, signals.labels, classMeansOf(signals), term),
});
