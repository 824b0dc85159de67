import * as tf from '@tensorflow/tfjs';
import type { LayerContext } from '../nn/layers';
import { biasedUnit } from './units';

/** Features of strides 4, 8, 16 and 32 → P2 … P6 (strides 4 … 64), each of `channels`. */
export type FeaturePyramid = (features: readonly tf.Tensor4D[]) => tf.Tensor4D[];

/**
 * Feature pyramid (Lin et al., arXiv 1612.03144) as detectron2's: `fpn_lateral2…5` (1 × 1),
 * `fpn_output2…5` (3 × 3), each coarser level doubled by nearest neighbour and added; P6 is every
 * second cell of P5.
 */
export function featurePyramid(
  context: LayerContext,
  prefix: string,
  inputs: readonly number[],
  channels: number,
): FeaturePyramid {
  const laterals = inputs.map((depth, index) =>
    biasedUnit(context, `${prefix}fpn_lateral${index + 2}`, {
      inputs: depth,
      outputs: channels,
      kernel: 1,
      initialise: 'wide-fan-in',
    }),
  );
  const outputs = inputs.map((_, index) =>
    biasedUnit(context, `${prefix}fpn_output${index + 2}`, {
      inputs: channels,
      outputs: channels,
      kernel: 3,
      padding: 1,
      initialise: 'wide-fan-in',
    }),
  );
  return (features) => {
    let above: tf.Tensor4D | undefined;
    const merged: tf.Tensor4D[] = [];
    for (let level = laterals.length - 1; level >= 0; level--) {
      const own = laterals[level]?.(features[level] as tf.Tensor4D);
      if (own === undefined) throw new Error(`no lateral of level ${level}`);
      above = above ? tf.add<tf.Tensor4D>(own, doubled(above)) : own;
      merged.unshift(above);
    }
    const pyramid = merged.map((x, level) => outputs[level]?.(x) ?? x);
    const coarsest = pyramid.at(-1);
    if (coarsest === undefined) throw new Error('a pyramid without levels');
    return [...pyramid, tf.maxPool(coarsest, 1, 2, 'valid')];
  };
}

function doubled(x: tf.Tensor4D): tf.Tensor4D {
  const [, height, width] = x.shape;
  return tf.image.resizeNearestNeighbor(x, [2 * height, 2 * width]);
}
