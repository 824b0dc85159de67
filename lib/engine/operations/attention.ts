import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../differentiable';

/**
 * Multi-head self-attention: softmax(q · kᵀ / √d) · v in each head of d = size / heads, heads side by side
 * again, as timm's `Attention` between its two linear layers.
 *
 * @param joined [batch, tokens, 3 · size]: queries, keys and values, each with its heads side by side
 * @returns [batch, tokens, size]
 */
export function attention(joined: tf.Tensor3D, heads: number): tf.Tensor3D {
  const [batch, tokens, width] = joined.shape;
  const size = width / 3;
  const depth = size / heads;
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

/** Of queries, keys and values, each [batch, heads, tokens, depth]. */
function attentionGradients(
  gradient: tf.Tensor,
  saved: readonly tf.Tensor[],
  scale: number,
): tf.Tensor[] {
  const [scaled, key, value, weights] = [0, 1, 2, 3].map((place) => savedTensor(saved, place));
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
