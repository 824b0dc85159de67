import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/operations/relu';
import { linear } from '../engine/operations/linear';
import { normalFanOut, uniformFanIn } from '../nn/initialise';
import type { LayerContext } from '../nn/layers';

/** What the box head says of each region. */
export interface BoxOutput {
  /** [regions, embeddingSize]: after the second fully connected layer and its ReLU. What ND regularises. */
  readonly embedding: tf.Tensor2D;
  /** [regions, classes + 1], background last. */
  readonly logits: tf.Tensor2D;
  /** [regions, classes · 4]: dx dy dw dh for each class. */
  readonly deltas: tf.Tensor2D;
}

export interface BoxHeadOptions {
  readonly channels: number;
  /** Cells of a pooled region on each side. */
  readonly resolution: number;
  readonly embeddingSize: number;
  readonly classes: number;
}

/** @param pooled [regions, resolution², channels] */
export type BoxHead = (pooled: tf.Tensor3D) => BoxOutput;

/**
 * detectron2's `FastRCNNConvFCHead` with two fully connected layers, and its `FastRCNNOutputLayers` with
 * one box a class.
 */
export function boxHead(
  context: LayerContext,
  prefix: string,
  { channels, resolution, embeddingSize, classes }: BoxHeadOptions,
): BoxHead {
  const inputs = channels * resolution ** 2;
  const first = fullyConnected(context, `${prefix}box_head.fc1`, {
    inputs,
    outputs: embeddingSize,
  });
  const second = fullyConnected(context, `${prefix}box_head.fc2`, {
    inputs: embeddingSize,
    outputs: embeddingSize,
  });
  const score = fullyConnected(context, `${prefix}box_predictor.cls_score`, {
    inputs: embeddingSize,
    outputs: classes + 1,
    deviation: 0.01,
  });
  const box = fullyConnected(context, `${prefix}box_predictor.bbox_pred`, {
    inputs: embeddingSize,
    outputs: 4 * classes,
    deviation: 0.001,
  });
  return (pooled) => {
    // PyTorch flattens channel by channel.
    const flat = tf.reshape(tf.transpose(pooled, [0, 2, 1]), [pooled.shape[0], inputs]);
    const embedding = relu(second(relu(first(flat as tf.Tensor2D))));
    return { embedding, logits: score(embedding), deltas: box(embedding) };
  };
}

/** Weights from N(0, deviation²), or from U(±√(3 / inputs)); a bias of 0. */
function fullyConnected(
  { state, random }: LayerContext,
  name: string,
  { inputs, outputs, deviation }: { inputs: number; outputs: number; deviation?: number },
): (x: tf.Tensor2D) => tf.Tensor2D {
  const shape = [outputs, inputs];
  const weights = state.add(
    `${name}.weight`,
    deviation === undefined
      ? uniformFanIn(shape, inputs / 3, random)
      : normalFanOut(shape, 2 / deviation ** 2, random),
    { trainable: true, layout: 'same' },
  );
  const bias = state.add(`${name}.bias`, tf.zeros([outputs]), { trainable: true, layout: 'same' });
  return (x) => linear(x, weights.value as tf.Tensor2D, bias.value as tf.Tensor1D);
}
