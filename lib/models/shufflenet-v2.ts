import * as tf from '@tensorflow/tfjs';
import { relu as reluOf } from '../engine/operations/activations';
import { globalAveragePool } from '../engine/operations/pooling';
import { channelShuffle, type ConvolutionNorm, convolutionNormLayer } from '../nn/blocks';
import {
  type ConvolutionLayerOptions,
  type ForwardMode,
  type LayerContext,
  linearLayer,
} from '../nn/layers';
import type { Network } from '../nn/model';

const stemChannels = 24;
const stages = [
  { channels: 116, blocks: 3 },
  { channels: 232, blocks: 7 },
  { channels: 464, blocks: 3 },
] as const;
const embeddingSize = 1024;
const groups = 2;

/** A block's output, and its two halves side by side before ReLU and shuffle. */
interface BlockOutput {
  readonly output: tf.Tensor4D;
  readonly preActivation: tf.Tensor4D;
}
type Block = (x: tf.Tensor4D, mode: ForwardMode) => BlockOutput;

/**
 * ShuffleNetV2 (Ma et al., arXiv 1807.11164) at width 1 for images of 32 × 32, in the form of the
 * published students (mdistiller's `ShuffleNetv2.py`): the stem is a 1 × 1 convolution, and each stage
 * has one block that halves the image before the others.
 */
export function shuffleNetV2(context: LayerContext, classes: number): Network {
  const stem = unit(context, 'conv1', 'bn1', { inputs: 3, outputs: stemChannels, kernel: 1 });
  let inputs: number = stemChannels;
  const blocks = stages.map(({ channels, blocks: count }, stage) =>
    Array.from({ length: count + 1 }, (_, index) => {
      const name = `layer${stage + 1}.${index}`;
      const block =
        index === 0
          ? downBlock(context, name, inputs, channels)
          : splitBlock(context, name, channels);
      inputs = channels;
      return block;
    }),
  );
  const last = unit(context, 'conv2', 'bn2', { inputs, outputs: embeddingSize, kernel: 1 });
  const classifier = linearLayer(context, 'linear', { inputs: embeddingSize, outputs: classes });
  return {
    embeddingSize,
    classify: classifier,
    bfloat16: true,
    forward(images, mode) {
      let x = stem(images, mode, { relu: true });
      const features = [x];
      const preActivations = [x];
      for (const stage of blocks) {
        let preActivation = x;
        for (const block of stage) ({ output: x, preActivation } = block(x, mode));
        features.push(x);
        preActivations.push(preActivation);
      }
      const embedding = globalAveragePool(last(x, mode, { relu: true }));
      return { logits: classifier(embedding, mode), embedding, features, preActivations };
    },
  };
}

/** Half of the channels pass, the other half is convolved; then both are shuffled. */
function splitBlock(context: LayerContext, name: string, channels: number): Block {
  const half = channels / 2;
  const numbered = unitsOf(context, name);
  const first = numbered(1, { inputs: half, outputs: half, kernel: 1 });
  const depthwise = numbered(2, { inputs: half, outputs: half, ...threeByThree(1, half) });
  const last = numbered(3, { inputs: half, outputs: half, kernel: 1 });
  return (x, mode) => {
    const [passed, branch] = tf.split(x, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    const hidden = depthwise(first(branch, mode, { relu: true }), mode, { relu: false });
    const normalised = last(hidden, mode, { relu: false });
    return {
      output: channelShuffle(tf.concat4d([passed, reluOf(normalised)], 3), groups),
      preActivation: tf.concat4d([passed, normalised], 3),
    };
  };
}

/** Two branches at stride 2, side by side and shuffled. */
function downBlock(context: LayerContext, name: string, inputs: number, channels: number): Block {
  const half = channels / 2;
  const numbered = unitsOf(context, name);
  const leftDepthwise = numbered(1, { inputs, outputs: inputs, ...threeByThree(2, inputs) });
  const leftLast = numbered(2, { inputs, outputs: half, kernel: 1 });
  const rightFirst = numbered(3, { inputs, outputs: half, kernel: 1 });
  const rightDepthwise = numbered(4, { inputs: half, outputs: half, ...threeByThree(2, half) });
  const rightLast = numbered(5, { inputs: half, outputs: half, kernel: 1 });
  return (x, mode) => {
    const left = leftLast(leftDepthwise(x, mode, { relu: false }), mode, { relu: true });
    const hidden = rightDepthwise(rightFirst(x, mode, { relu: true }), mode, { relu: false });
    const right = rightLast(hidden, mode, { relu: true });
    const joined = tf.concat4d([left, right], 3);
    return { output: channelShuffle(joined, groups), preActivation: joined };
  };
}

type Shape = Omit<ConvolutionLayerOptions, 'initialise'>;

function threeByThree(stride: number, channelGroups: number): Omit<Shape, 'inputs' | 'outputs'> {
  return { kernel: 3, stride, padding: 1, groups: channelGroups };
}

function unitsOf(
  context: LayerContext,
  name: string,
): (index: number, shape: Shape) => ConvolutionNorm {
  return (index, shape) => unit(context, `${name}.conv${index}`, `${name}.bn${index}`, shape);
}

function unit(
  context: LayerContext,
  convolution: string,
  norm: string,
  shape: Shape,
): ConvolutionNorm {
  return convolutionNormLayer(context, { convolution, norm }, { ...shape, initialise: 'fan-in' });
}
