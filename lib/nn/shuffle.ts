import * as tf from '@tensorflow/tfjs';

/**
 * ShuffleNet's channel shuffle: channels lie as [groups, channels / groups] and are read the other way
 * round, so that the next grouped convolution sees every group.
 */
export function channelShuffle(x: tf.Tensor4D, groups: number): tf.Tensor4D {
  if (groups === 1) return x;
  const [batch, height, width, channels] = x.shape;
  const grouped = tf.reshape(x, [batch, height, width, groups, channels / groups]);
  return tf.reshape(tf.transpose(grouped, [0, 1, 2, 4, 3]), [batch, height, width, channels]);
}
