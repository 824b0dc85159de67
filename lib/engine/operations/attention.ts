import * as tf from '@tensorflow/tfjs';
import {
  floatAttribute,
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  nativeOperations,
  storedFloat,
  typeAttribute,
} from '../native';
import { differentiable, savedTensor } from '../tidy';
import { inFloatType } from './activations';

/** Scale γ and shift β, both [size]. */
interface LayerNormWeights {
  readonly scale: tf.Tensor1D;
  readonly shift: tf.Tensor1D;
}

/**
 * Layer norm: γ · (x − mean) / √(biased variance + ε) + β over the last axis, as PyTorch's `LayerNorm`.
 *
 * @param x [rows, size]
 */
export function layerNorm(
  x: tf.Tensor2D,
  { scale, shift }: LayerNormWeights,
  epsilon: number,
): tf.Tensor2D {
  if (hasOwnOperations()) return ownLayerNorm(x, { scale, shift }, epsilon);
  const output = differentiable([x, scale, shift], () => {
    const centred = tf.sub(x, tf.mean(x, 1, true));
    const variance = tf.mean(tf.square(centred), 1, true);
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    const normalised = tf.mul(centred, inverse);
    return {
      value: tf.add(tf.mul(normalised, scale), shift),
      saved: [normalised, inverse, scale],
      backward: (gradient, saved) => layerNormGradients(gradient, saved),
    };
  });
  return output as tf.Tensor2D;
}

/** `lib/engine/cpp/operations/tokens.cc` */
function ownLayerNorm(
  x: tf.Tensor2D,
  { scale, shift }: LayerNormWeights,
  epsilon: number,
): tf.Tensor2D {
  const output = differentiable([x, scale, shift], () => {
    const attributes = [floatAttribute('epsilon', epsilon)];
    const outputs = nativeOperations('NormDirectionLayerNorm', attributes, [x, scale, shift], 3);
    return {
      value: savedTensor(outputs, 0),
      // Mean and inverse deviation of each row.
      saved: [x, scale, ...outputs.slice(1)],
      backward: (gradient, saved) =>
        nativeOperations('NormDirectionLayerNormGrad', [], [gradient, ...saved], 3),
    };
  });
  return output as tf.Tensor2D;
}

/** With n = normalised x and g = γ · gradient: (g − mean(g) − n · mean(g · n)) / √(variance + ε). */
function layerNormGradients(gradient: tf.Tensor, saved: readonly tf.Tensor[]): tf.Tensor[] {
  const normalised = savedTensor(saved, 0);
  const inverse = savedTensor(saved, 1);
  const scaled = tf.mul(gradient, savedTensor(saved, 2));
  const along = tf.mean(tf.mul(scaled, normalised), 1, true);
  const free = tf.sub(tf.sub(scaled, tf.mean(scaled, 1, true)), tf.mul(normalised, along));
  return [tf.mul(free, inverse), tf.sum(tf.mul(gradient, normalised), 0), tf.sum(gradient, 0)];
}

/**
 * Multi-head self-attention: softmax(q · kᵀ / √d) · v in each head of d = size / heads, heads side by side
 * again, as timm's `Attention` between its two linear layers.
 *
 * @param joined [batch, tokens, 3 · size]: queries, keys and values, each with its heads side by side; in float32 or
 * bfloat16, and the output of the same type, computed in float32
 * @returns [batch, tokens, size]
 */
export function attention(joined: tf.Tensor3D, heads: number): tf.Tensor3D {
  const [batch, tokens, width] = joined.shape;
  const size = width / 3;
  const depth = size / heads;
  if (hasOwnOperations() && depth % ownDepths === 0) return ownAttention(joined, heads);
  const type = storedFloat(joined);
  if (type === 'bfloat16') {
    return inFloatType(attention(inFloatType(joined, 'float32'), heads), type);
  }
  const scale = 1 / Math.sqrt(depth);
  const output = differentiable([joined], () => {
    const split = tf.transpose(
      tf.reshape(joined, [batch, tokens, 3, heads, depth]),
      [2, 0, 3, 1, 4],
    );
    const [query, key, value] = tf.unstack(split) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    const scaled = tf.mul(query, scale);
    const weights = tf.softmax(tf.matMul(scaled, key, false, true));
    const mixed = tf.transpose(tf.matMul(weights, value), [0, 2, 1, 3]);
    return {
      value: tf.reshape(mixed, [batch, tokens, size]),
      saved: [scaled, key, value, weights],
      backward: (gradient, saved) => {
        const heads4d = tf.reshape(gradient, [batch, tokens, heads, depth]);
        const ofHeads = attentionGradients(tf.transpose(heads4d, [0, 2, 1, 3]), saved, scale);
        const ofJoined = tf.transpose(tf.stack(ofHeads), [1, 3, 0, 2, 4]);
        return [tf.reshape(ofJoined, [batch, tokens, width])];
      },
    };
  });
  return output as tf.Tensor3D;
}

/** What a head's size must be a multiple of in this package's own operation. */
const ownDepths = 16;

/** `lib/engine/cpp/operations/tokens.cc`: no tensor is transposed, and none of all weights is made. */
function ownAttention(joined: tf.Tensor3D, heads: number): tf.Tensor3D {
  const attributes = [intAttribute('heads', heads), typeAttribute('T', storedFloat(joined))];
  const output = differentiable([joined], () => ({
    value: nativeOperation('NormDirectionAttention', attributes, [joined]),
    saved: [joined],
    backward: (gradient, saved) => [
      nativeOperation('NormDirectionAttentionGrad', attributes, [gradient, savedTensor(saved, 0)]),
    ],
  }));
  return output as tf.Tensor3D;
}

/** Of queries, keys and values, each [batch, heads, tokens, depth]. */
function attentionGradients(
  gradient: tf.Tensor,
  saved: readonly tf.Tensor[],
  scale: number,
): tf.Tensor[] {
  const [scaled, key, value, weights] = [0, 1, 2, 3].map((index) => savedTensor(saved, index));
  if (!scaled || !key || !value || !weights) throw new Error('attention saved too few tensors');
  const ofWeights = tf.matMul(gradient, value, false, true);
  // A softmax's rows sum to 1, so that what all weights share moves nothing.
  const shared = tf.sum(tf.mul(ofWeights, weights), -1, true);
  const ofScores = tf.mul(weights, tf.sub(ofWeights, shared));
  return [
    tf.mul(tf.matMul(ofScores, key), scale),
    tf.matMul(ofScores, scaled, true, false),
    tf.matMul(weights, gradient, true, false),
  ];
}
