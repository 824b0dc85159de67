import * as tf from '@tensorflow/tfjs';
import type { LayerContext } from '../nn/layers';
import { anchorRatios } from './anchors';
import { biasedUnit } from './units';

/** What the proposal network says of every anchor, all levels one after the other. */
export interface ProposalOutput {
  /** [batch, anchors] */
  readonly objectness: tf.Tensor2D;
  /** [batch, anchors, 4] */
  readonly deltas: tf.Tensor3D;
}

/**
 * The head of a region proposal network (Ren et al., arXiv 1506.01497), one for all levels: a 3 × 3
 * convolution with ReLU, then for each of the anchors of a place its objectness and its dx dy dw dh.
 */
export function proposalHead(
  context: LayerContext,
  prefix: string,
  channels: number,
): (pyramid: readonly tf.Tensor4D[]) => ProposalOutput {
  const unit = (name: string, outputs: number, kernel: number): ReturnType<typeof biasedUnit> =>
    biasedUnit(context, `${prefix}${name}`, {
      inputs: channels,
      outputs,
      kernel,
      padding: (kernel - 1) / 2,
      relu: kernel > 1,
      initialise: 'small-normal',
    });
  const shared = unit('conv', channels, 3);
  const objectnessOf = unit('objectness_logits', anchorRatios.length, 1);
  const deltasOf = unit('anchor_deltas', 4 * anchorRatios.length, 1);
  return (pyramid) => {
    const hidden = pyramid.map(shared);
    const batch = pyramid[0]?.shape[0] ?? 0;
    return {
      objectness: tf.concat2d(
        hidden.map((x) => tf.reshape(objectnessOf(x), [batch, -1])),
        1,
      ),
      deltas: tf.concat3d(
        hidden.map((x) => tf.reshape(deltasOf(x), [batch, -1, 4])),
        1,
      ),
    };
  };
}
