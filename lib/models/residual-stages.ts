import type * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/operations/activations';
import { globalAveragePool } from '../engine/operations/pooling';
import { evaluatedBlock } from '../engine/tidy';
import type { ConvolutionNorm } from '../nn/blocks';
import type { ForwardMode, Layer2D } from '../nn/layers';
import type { Network } from '../nn/model';

/** A residual block; without `relu` it gives its sum before the last ReLU. */
export type ResidualBlock = (
  x: tf.Tensor4D,
  mode: ForwardMode,
  tail: { readonly relu: boolean },
) => tf.Tensor4D;

export interface StagedNetworkParts {
  readonly stem: ConvolutionNorm;
  /** Between the stem, which is shown before it, and the first stage. */
  readonly pool?: (x: tf.Tensor4D) => tf.Tensor4D;
  readonly stages: readonly (readonly ResidualBlock[])[];
  readonly classifier: Layer2D;
  readonly embeddingSize: number;
  readonly preActivationNorms?: readonly string[];
  readonly bfloat16?: boolean;
}

/** A network of a stem, stages of residual blocks, global average pooling and a linear classifier. */
export function stagedNetwork({
  stem,
  pool,
  stages,
  classifier,
  embeddingSize,
  preActivationNorms,
  bfloat16 = false,
}: StagedNetworkParts): Network {
  return {
    embeddingSize,
    bfloat16,
    preActivationNorms,
    forward(images, mode) {
      let x = stem(images, mode, { relu: true });
      const features = [x];
      const preActivations = [x];
      if (pool) x = pool(x);
      const { preActivations: shown = true } = mode;
      for (const stage of stages) {
        // Only the last block of a stage shows its sum before ReLU; in the others ReLU is fused away.
        for (const block of shown ? stage.slice(0, -1) : stage) {
          x = evaluatedBlock(x, mode, {
            shown: features,
            block: (input) => block(input, mode, { relu: true }),
          });
        }
        if (shown) {
          const preActivation = stage.at(-1)?.(x, mode, { relu: false }) ?? x;
          preActivations.push(preActivation);
          x = relu(preActivation);
        }
        features.push(x);
      }
      const embedding = globalAveragePool(x);
      return { logits: classifier(embedding, mode), embedding, features, preActivations };
    },
  };
}
