import type * as tf from '@tensorflow/tfjs';
import type { ForwardMode } from './layers';
import type { ModelOutput } from './model';

/** A forward pass's output as a list of tensors. */
export interface OutputParts {
  readonly tensors: readonly tf.Tensor[];
  /** The output again, of other tensors in the same places. */
  rebuild(tensors: readonly tf.Tensor[]): ModelOutput;
}

/** What of an output may be read, as the pass was told by its mode; reading more throws again. */
export function outputParts(
  output: ModelOutput,
  { features = true, preActivations = true }: ForwardMode,
): OutputParts {
  const { logits, embedding, distillationLogits, distillationEmbedding } = output;
  const single = { logits, embedding, distillationLogits, distillationEmbedding };
  const names = (Object.keys(single) as (keyof typeof single)[]).filter(
    (name) => single[name] !== undefined,
  );
  const shownFeatures = features ? output.features : [];
  const shownBefore = preActivations ? output.preActivations : [];
  const tensors = [
    ...names.flatMap((name) => single[name] ?? []),
    ...shownFeatures,
    ...shownBefore,
  ];
  return {
    tensors,
    rebuild(others) {
      const maps = others.slice(names.length) as tf.Tensor4D[];
      // The names stand in the order of the tensors.
      const heads = Object.fromEntries(names.map((name, index) => [name, others[index]]));
      return {
        ...(heads as Pick<ModelOutput, 'logits' | 'embedding'>),
        get features() {
          return features ? maps.slice(0, shownFeatures.length) : output.features;
        },
        get preActivations() {
          return preActivations ? maps.slice(shownFeatures.length) : output.preActivations;
        },
      };
    },
  };
}
