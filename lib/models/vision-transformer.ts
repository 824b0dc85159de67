import * as tf from '@tensorflow/tfjs';
import { storedFloat } from '../engine/native';
import { inFloatType } from '../engine/operations/activations';
import { tidyBlock } from '../engine/tidy';
import { type LabError, modelError, optionError } from '../errors';
import { dropPathProbabilities } from '../nn/blocks';
import {
  convolutionLayer,
  type ForwardMode,
  type Layer2D,
  type LayerContext,
  linearLayer,
  normal,
} from '../nn/layers';
import type { Network } from '../nn/model';
import { layerNormLayer, transformerBlock } from '../nn/tokens';

interface EncoderOptions {
  readonly size: number;
  readonly depth: number;
  readonly heads: number;
  /** Side of the images; a multiple of the patches' 16. */
  readonly imageSize: number;
  /** Stochastic depth of the last block; it rises from 0 in the first. */
  readonly dropPath: number;
  /** Whether a distillation token follows the class token. */
  readonly distilled: boolean;
}

/** The normalised class token and, where there is one, distillation token: [batch, size] each. */
interface EncodedTokens {
  readonly classToken: tf.Tensor2D;
  readonly distillationToken?: tf.Tensor2D;
}

const patch = 16;
/** PyTorch's `normal_(std=…)` of the class token and timm's of all else that is learnt beside the layers. */
const classDeviation = 1e-6;
const deviation = 0.02;

/**
 * The body of timm's vision transformers (Dosovitskiy et al., arXiv 2010.11929): patches of 16 × 16, learnt
 * positions, blocks that normalise first, and a last norm.
 *
 * @throws LabError of kind `option` for an image size that patches do not fill.
 */
function transformerEncoder(
  context: LayerContext,
  { size, depth, heads, imageSize, dropPath, distilled }: EncoderOptions,
): (images: tf.Tensor4D, mode: ForwardMode) => EncodedTokens {
  requirePatches(imageSize);
  const { state, random } = context;
  const kind = { trainable: true, layout: 'same' } as const;
  const special = distilled ? 2 : 1;
  const patches = (imageSize / patch) ** 2;
  const classToken = state.add('cls_token', normal([1, 1, size], classDeviation, random), kind);
  const positions = state.add(
    'pos_embed',
    normal([1, patches + special, size], deviation, random),
    kind,
  );
  const distillationToken = distilled
    ? state.add('dist_token', normal([1, 1, size], deviation, random), kind)
    : undefined;
  const embed = convolutionLayer(context, 'patch_embed.proj', {
    inputs: 3,
    outputs: size,
    kernel: patch,
    stride: patch,
    initialise: 'fan-in',
    bias: true,
  });
  const blocks = dropPathProbabilities(depth, dropPath).map((probability, index) =>
    transformerBlock(context, `blocks.${index}`, { size, heads, probability }),
  );
  const norm = layerNormLayer(context, 'norm', size);

  return (images, mode) => {
    const [batch, height, width] = images.shape;
    if (height !== imageSize || width !== imageSize) throw otherSize(height, width, imageSize);
    const type = storedFloat(images);
    const embedded = inFloatType(embed(images, mode), 'float32');
    const tokens = tf.reshape(embedded, [batch, patches, size]);
    const first = [classToken, distillationToken].flatMap((token) =>
      token ? [tf.tile(token.value as tf.Tensor3D, [batch, 1, 1])] : [],
    );
    let x: tf.Tensor3D = tf.add(tf.concat([...first, tokens], 1), positions.value);
    for (const block of blocks) {
      x = tidyBlock(x, mode, (input) => block(input, mode, type));
    }
    // The norm works on each token by itself: what no head reads need not be normalised.
    const read = norm(tf.slice(x, [0, 0, 0], [batch, special, size]), mode);
    const token = (index: number): tf.Tensor2D =>
      tf.reshape(tf.slice(read, [0, index, 0], [batch, 1, size]), [batch, size]);
    return { classToken: token(0), ...(distilled ? { distillationToken: token(1) } : {}) };
  };
}

function requirePatches(imageSize: number): void {
  if (Number.isInteger(imageSize) && imageSize >= patch && imageSize % patch === 0) return;
  throw optionError`a vision transformer cuts its images into patches of ${patch} × ${patch} (image size): found ${String(imageSize)}. Take a multiple of ${patch}`;
}

function otherSize(height: number, width: number, imageSize: number): LabError {
  return modelError`a vision transformer sees images of one size only: found ${height} × ${width}, made for ${imageSize} × ${imageSize}. Scale the images, or create the model with their imageSize`;
}

export interface VisionTransformerOptions extends EncoderOptions {
  readonly classes: number;
}

/**
 * Vision transformers (Dosovitskiy et al., arXiv 2010.11929) under timm's names: vit_tiny, small and base,
 * patches of 16. The embedding is the class token after the last norm; there are no feature maps.
 *
 * Distilled DeiT (Touvron et al., arXiv 2012.12877) has a distillation token and a second head. In training
 * `logits` are the class head's; in evaluation the mean of both heads', as published. `distillationLogits`
 * and `distillationEmbedding` are always the second's.
 */
export function visionTransformer(
  context: LayerContext,
  { classes, ...options }: VisionTransformerOptions,
): Network {
  const { size, distilled } = options;
  const encode = transformerEncoder(context, options);
  const head = (name: string): Layer2D =>
    linearLayer(context, name, { inputs: size, outputs: classes, initialise: 'token-normal' });
  const classHead = head('head');
  const distillationHead = distilled ? head('head_dist') : undefined;
  return {
    embeddingSize: size,
    bfloat16: true,
    forward(images, mode) {
      const { classToken, distillationToken } = encode(images, mode);
      const logits = classHead(classToken, mode);
      const output = { logits, embedding: classToken, features: [], preActivations: [] };
      if (!distillationHead || !distillationToken) return output;
      const distillationLogits = distillationHead(distillationToken, mode);
      return {
        ...output,
        logits: mode.training ? logits : tf.mul(tf.add(logits, distillationLogits), 0.5),
        distillationLogits,
        distillationEmbedding: distillationToken,
      };
    },
  };
}
