import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type EncoderOptions, transformerEncoder } from './transformer-encoder';

export interface VisionTransformerOptions extends Omit<EncoderOptions, 'distilled'> {
  readonly classes: number;
}

/**
 * Vision transformers (Dosovitskiy et al., arXiv 2010.11929) under timm's names: vit_tiny, small and base,
 * patches of 16. The embedding is the class token after the last norm; there are no feature maps.
 */
export function visionTransformer(
  context: LayerContext,
  { classes, ...options }: VisionTransformerOptions,
): Network {
  const encode = transformerEncoder(context, { ...options, distilled: false });
  const head = linearLayer(context, 'head', {
    inputs: options.size,
    outputs: classes,
    initialise: 'token-normal',
  });
  return {
    embeddingSize: options.size,
    forward(images, mode) {
      const { classToken } = encode(images, mode);
      return {
        logits: head(classToken, mode),
        embedding: classToken,
        features: [],
        preActivations: [],
      };
    },
  };
}
