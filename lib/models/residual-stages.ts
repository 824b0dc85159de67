import type * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/operations/relu';
import type { ForwardMode } from '../nn/layers';

/** A residual block; without `relu` it gives its sum before the last ReLU. */
export type ResidualBlock = (
  x: tf.Tensor4D,
  mode: ForwardMode,
  tail: { readonly relu: boolean },
) => tf.Tensor4D;

/** The stem's output and each stage's, after and before the last ReLU. */
export interface StageFeatures {
  readonly last: tf.Tensor4D;
  readonly features: tf.Tensor4D[];
  readonly preActivations: tf.Tensor4D[];
}

/** Runs the stages of a residual network and collects what each gives. */
export function runStages(
  stem: tf.Tensor4D,
  stages: readonly (readonly ResidualBlock[])[],
  mode: ForwardMode,
): StageFeatures {
  let x = stem;
  const features = [stem];
  const preActivations = [stem];
  for (const stage of stages) {
    // Only the last block of a stage shows its sum before ReLU; in the others ReLU is fused away.
    for (const block of stage.slice(0, -1)) x = block(x, mode, { relu: true });
    const preActivation = stage.at(-1)?.(x, mode, { relu: false }) ?? x;
    x = relu(preActivation);
    features.push(x);
    preActivations.push(preActivation);
  }
  return { last: x, features, preActivations };
}
