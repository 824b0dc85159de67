import * as tf from '@tensorflow/tfjs';
import { relu as reluOf } from '../engine/operations/activations';
import { averagePool } from '../engine/operations/pooling';
import { channelShuffle, type ConvolutionNorm, convolutionNormLayer } from '../nn/blocks';
import { type ConvolutionLayerOptions, type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type ResidualBlock, stagedNetwork } from './residual-stages';

const stemChannels = 24;
const stages = [
  { channels: 240, blocks: 4 },
  { channels: 480, blocks: 8 },
  { channels: 960, blocks: 4 },
] as const;
const groups = 3;

/**
 * ShuffleNet (Zhang et al., arXiv 1707.01083) with three groups for images of 32 × 32, in the form of the
 * published students (mdistiller's `ShuffleNetv1.py`): the stem is a 1 × 1 convolution.
 */
export function shuffleNetV1(context: LayerContext, classes: number): Network {
  const stem = convolutionNormLayer(
    context,
    { convolution: 'conv1', norm: 'bn1' },
    { inputs: 3, outputs: stemChannels, kernel: 1, initialise: 'fan-in' },
  );
  let inputs: number = stemChannels;
  const blocks = stages.map(({ channels, blocks: count }, stage) =>
    Array.from({ length: count }, (_, index) => {
      const down = index === 0;
      const block = shuffleBlock(context, `layer${stage + 1}.${index}`, {
        inputs,
        // A block that halves the image puts its shortcut beside its branch.
        branch: down ? channels - inputs : channels,
        down,
      });
      inputs = channels;
      return block;
    }),
  );
  const classifier = linearLayer(context, 'linear', { inputs, outputs: classes });
  return stagedNetwork({
    ...{ stem, stages: blocks, classifier },
    embeddingSize: inputs,
    bfloat16: true,
  });
}

function shuffleBlock(
  context: LayerContext,
  name: string,
  { inputs, branch, down }: { inputs: number; branch: number; down: boolean },
): ResidualBlock {
  const middle = Math.floor(branch / 4);
  const firstGroups = inputs === stemChannels ? 1 : groups;
  const unit = (index: number, shape: ConvolutionLayerOptions): ConvolutionNorm =>
    convolutionNormLayer(
      context,
      { convolution: `${name}.conv${index}`, norm: `${name}.bn${index}` },
      { ...shape, initialise: 'fan-in' },
    );
  const reduce = unit(1, { inputs, outputs: middle, kernel: 1, groups: firstGroups });
  const depthwise = unit(2, {
    inputs: middle,
    outputs: middle,
    kernel: 3,
    stride: down ? 2 : 1,
    padding: 1,
    groups: middle,
  });
  const expand = unit(3, { inputs: middle, outputs: branch, kernel: 1, groups });
  return (x, mode, { relu }) => {
    const shuffled = channelShuffle(reduce(x, mode, { relu: true }), firstGroups);
    const hidden = depthwise(shuffled, mode, { relu: true });
    if (!down) return expand(hidden, mode, { residual: x, relu });
    const shortcut = averagePool(x, { kernel: 3, stride: 2, padding: 1 });
    const joined = tf.concat4d([expand(hidden, mode, { relu: false }), shortcut], 3);
    return relu ? reluOf(joined) : joined;
  };
}
