import * as tf from '@tensorflow/tfjs';
import { globalAveragePool } from '../engine/operations/pooling';
import { relu } from '../engine/operations/relu';
import {
  batchNormLayer,
  convolutionLayer,
  type ForwardMode,
  type LayerContext,
  linearLayer,
} from '../nn/layers';
import type { Network } from '../nn/model';

/** Depth 6n + 2 and the channels of the stem and the three stages. */
export interface CifarResNetOptions {
  readonly depth: number;
  readonly channels: readonly [number, number, number, number];
  readonly classes: number;
}

/** A block's output before and after its last ReLU. */
interface BlockOutput {
  readonly activation: tf.Tensor4D;
  readonly preActivation: tf.Tensor4D;
}
type Block = (x: tf.Tensor4D, mode: ForwardMode) => BlockOutput;

/**
 * The ResNets for 32 × 32 images with two-convolution blocks and projection shortcuts, in the form of
 * the published teachers (mdistiller's `resnet.py`): resnet8 … resnet110 and the ×4 wide ones.
 */
export function cifarResNet(
  context: LayerContext,
  { depth, channels, classes }: CifarResNetOptions,
): Network {
  const blocksPerStage = (depth - 2) / 6;
  const [stem, ...stageChannels] = channels;
  const firstConvolution = convolutionLayer(context, 'conv1', {
    inputs: 3,
    outputs: stem,
    kernel: 3,
    padding: 1,
  });
  const firstNorm = batchNormLayer(context, 'bn1', stem);
  let inputs: number = stem;
  const stages = stageChannels.map((outputs, index) => {
    const blocks = Array.from({ length: blocksPerStage }, (_, place) => {
      const stride = place === 0 && index > 0 ? 2 : 1;
      const block = basicBlock(context, `layer${index + 1}.${place}`, { inputs, outputs, stride });
      inputs = outputs;
      return block;
    });
    return blocks;
  });
  const classifier = linearLayer(context, 'fc', { inputs, outputs: classes });

  return {
    embeddingSize: inputs,
    forward(images, mode) {
      let x = relu(firstNorm(firstConvolution(images, mode), mode));
      const features = [x];
      const preActivations = [x];
      for (const stage of stages) {
        let preActivation = x;
        for (const block of stage) ({ activation: x, preActivation } = block(x, mode));
        features.push(x);
        preActivations.push(preActivation);
      }
      const embedding = globalAveragePool(x);
      return { logits: classifier(embedding, mode), embedding, features, preActivations };
    },
  };
}

function basicBlock(
  context: LayerContext,
  name: string,
  { inputs, outputs, stride }: { inputs: number; outputs: number; stride: number },
): Block {
  const convolution1 = convolutionLayer(context, `${name}.conv1`, {
    inputs,
    outputs,
    kernel: 3,
    stride,
    padding: 1,
  });
  const norm1 = batchNormLayer(context, `${name}.bn1`, outputs);
  const convolution2 = convolutionLayer(context, `${name}.conv2`, {
    inputs: outputs,
    outputs,
    kernel: 3,
    padding: 1,
  });
  const norm2 = batchNormLayer(context, `${name}.bn2`, outputs);
  const shortcut =
    stride !== 1 || inputs !== outputs
      ? projection(context, `${name}.downsample`, { inputs, outputs, stride })
      : undefined;
  return (x, mode) => {
    const hidden = relu(norm1(convolution1(x, mode), mode));
    const branch = norm2(convolution2(hidden, mode), mode);
    const preActivation: tf.Tensor4D = tf.add(branch, shortcut ? shortcut(x, mode) : x);
    return { activation: relu(preActivation), preActivation };
  };
}

function projection(
  context: LayerContext,
  name: string,
  { inputs, outputs, stride }: { inputs: number; outputs: number; stride: number },
): (x: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D {
  const convolution = convolutionLayer(context, `${name}.0`, {
    inputs,
    outputs,
    kernel: 1,
    stride,
  });
  const norm = batchNormLayer(context, `${name}.1`, outputs);
  return (x, mode) => norm(convolution(x, mode), mode);
}
