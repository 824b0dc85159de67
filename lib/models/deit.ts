import * as tf from '@tensorflow/tfjs';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { transformerEncoder } from './transformer-encoder';
import type { VisionTransformerOptions } from './vision-transformer';

/**
 * Distilled DeiT (Touvron et al., arXiv 2012.12877) under timm's names: a distillation token and a second
 * head. In training `logits` are the class head's; in evaluation the mean of both heads', as published.
 * `distillationLogits` and `distillationEmbedding` are always the second's.
 */
export function distilledTransformer(
  context: LayerContext,
  { classes, ...options }: VisionTransformerOptions,
): Network {
  const encode = transformerEncoder(context, { ...options, distilled: true });
  const [classHead, distillationHead] = ['head', 'head_dist'].map((name) =>
    linearLayer(context, name, {
      inputs: options.size,
      outputs: classes,
      initialise: 'token-normal',
    }),
  );
  if (!classHead || !distillationHead) throw new Error('a distilled transformer has two heads');
  return {
    embeddingSize: options.size,
    forward(images, mode) {
      const { classToken, distillationToken } = encode(images, mode);
      if (distillationToken === undefined) throw new Error('no distillation token');
      const ofClass = classHead(classToken, mode);
      const ofDistillation = distillationHead(distillationToken, mode);
      return {
        logits: mode.training ? ofClass : tf.mul(tf.add(ofClass, ofDistillation), 0.5),
        embedding: classToken,
        distillationLogits: ofDistillation,
        distillationEmbedding: distillationToken,
        features: [],
        preActivations: [],
      };
    },
  };
}
