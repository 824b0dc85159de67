import type * as tf from '@tensorflow/tfjs';
import { globalAveragePool } from '../engine/operations/pooling';
import { LabError } from '../errors';
import type { Model, ModelOutput } from '../nn/model';
import { featureShapes } from './feature-shapes';

/**
 * Where a feature vector is taken: the embedding (the penultimate feature, the paper's place), the
 * feature one stage earlier averaged over its height and width, or the logits.
 */
export const featurePlaces = ['embedding', 'earlier stage', 'logits'] as const;
export type FeaturePlace = (typeof featurePlaces)[number];

/**
 * The feature vectors of a place, `[batch, size]`.
 *
 * @throws LabError of kind `model` for a network of a single stage.
 */
export function featureAt(
  output: Pick<ModelOutput, FeatureParts>,
  place: FeaturePlace,
): tf.Tensor2D {
  switch (place) {
    case 'embedding':
      return output.embedding;
    case 'logits':
      return output.logits;
    case 'earlier stage':
      return globalAveragePool(earlierStage(output.features));
  }
}

type FeatureParts = 'embedding' | 'logits' | 'features';

/** How many numbers a model's feature has in a place. */
export function featureSize(model: Model, place: FeaturePlace): number {
  switch (place) {
    case 'embedding':
      return model.embeddingSize;
    case 'logits':
      return model.classes;
    case 'earlier stage':
      return earlierStage(featureShapes(model).features).channels;
  }
}

/** The last stage but one; the first of the features is the stem. */
function earlierStage<T>(features: readonly T[]): T {
  const feature = features.at(-2);
  if (feature !== undefined && features.length > 2) return feature;
  throw new LabError({
    kind: 'model',
    what: 'a network with one stage has no earlier one',
    found: `${features.length} features with the stem`,
    remedy: 'Take the embedding or the logits',
  });
}
