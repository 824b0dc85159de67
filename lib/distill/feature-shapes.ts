import * as tf from '@tensorflow/tfjs';
import { tidied } from '../engine/tidied';
import type { Model } from '../nn/model';

/** Side and channels of a feature. */
export interface FeatureShape {
  readonly side: number;
  readonly channels: number;
}

/** The shapes of what a model shows, shallow first, as `ModelOutput` has it. */
export interface FeatureShapes {
  readonly features: readonly FeatureShape[];
  readonly preActivations: readonly FeatureShape[];
}

/** Found by a forward pass over one empty image of the size that the model is meant for. */
export function featureShapes(model: Model): FeatureShapes {
  return tidied(() => {
    const output = model.forward(tf.zeros([1, model.inputSize, model.inputSize, 3]), {
      training: false,
    });
    const shapesOf = (maps: readonly tf.Tensor4D[]): FeatureShape[] =>
      maps.map(({ shape: [, side, , channels] }) => ({ side, channels }));
    return {
      features: shapesOf(output.features),
      preActivations: shapesOf(output.preActivations),
    };
  });
}
