import * as tf from '@tensorflow/tfjs';
import { relu as reluOf } from '../engine/operations/activations';
import {
  type ConvolutionNorm,
  convolutionNormLayer,
  dropPath as droppedPath,
  dropPathProbabilities,
  squeezeExciteLayer,
} from '../nn/blocks';
import { type ConvolutionLayerOptions, type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type ResidualBlock, stagedNetwork } from './residual-stages';

interface RegNetYOptions {
  /** Output channels and blocks of the four stages. */
  readonly stages: readonly { readonly channels: number; readonly blocks: number }[];
  /** Channels in each group of the 3 × 3 convolutions. */
  readonly groupWidth: number;
  readonly classes: number;
  /** Stochastic depth of the last block; it rises from 0 in the first. */
  readonly dropPath: number;
}

const stemChannels = 32;
/** Share of a block's input channels that its squeeze-and-excite has in the middle. */
const squeezeShare = 0.25;

/** RegNetY (Radosavovic et al., arXiv 2003.13678) under timm's names. */
export function regNetY(
  context: LayerContext,
  { stages: shapes, groupWidth, classes, dropPath }: RegNetYOptions,
): Network {
  const stem = unit(context, 'stem', { inputs: 3, outputs: stemChannels, kernel: 3, stride: 2 });
  const depth = shapes.reduce((sum, { blocks }) => sum + blocks, 0);
  const probabilities = dropPathProbabilities(depth, dropPath);
  let inputs = stemChannels;
  let before = 0;
  const stages = shapes.map(({ channels, blocks }, stage) =>
    Array.from({ length: blocks }, (_, index) => {
      const block = regNetBlock(context, `s${stage + 1}.b${index + 1}`, {
        inputs,
        outputs: channels,
        groups: channels / groupWidth,
        stride: index === 0 ? 2 : 1,
        probability: probabilities[before] ?? 0,
      });
      inputs = channels;
      before++;
      return block;
    }),
  );
  const classifier = linearLayer(context, 'head.fc', {
    inputs,
    outputs: classes,
    initialise: 'small-normal',
  });
  return stagedNetwork({
    stem,
    stages,
    classifier,
    embeddingSize: inputs,
    preActivationNorms: shapes.map(({ blocks }, stage) => `s${stage + 1}.b${blocks}.conv3.bn`),
    bfloat16: true,
  });
}

type RegNetBlockOptions = Readonly<
  Record<'inputs' | 'outputs' | 'groups' | 'stride' | 'probability', number>
>;

function regNetBlock(
  context: LayerContext,
  name: string,
  { inputs, outputs, groups, stride, probability }: RegNetBlockOptions,
): ResidualBlock {
  const first = unit(context, `${name}.conv1`, { inputs, outputs, kernel: 1 });
  const shape = { inputs: outputs, outputs, stride, groups } as const;
  const grouped = unit(context, `${name}.conv2`, { ...shape, kernel: 3 });
  const excite = squeezeExciteLayer(context, `${name}.se`, {
    channels: outputs,
    reduced: Math.round(squeezeShare * inputs),
  });
  const last = unit(context, `${name}.conv3`, { inputs: outputs, outputs, kernel: 1 });
  const projection =
    stride !== 1 || inputs !== outputs
      ? unit(context, `${name}.downsample`, { inputs, outputs, kernel: 1, stride })
      : undefined;
  return (x, mode, { relu }) => {
    const hidden = grouped(first(x, mode, { relu: true }), mode, { relu: true });
    const residual = projection ? projection(x, mode, { relu: false }) : x;
    const weighted = excite(hidden, mode);
    // A dropped branch is scaled before the sum: only without that are norm, sum and ReLU one unit.
    if (!mode.training || probability === 0) return last(weighted, mode, { residual, relu });
    const branch = droppedPath(last(weighted, mode, { relu: false }), { probability }, mode);
    const sum = tf.add<tf.Tensor4D>(branch, residual);
    return relu ? reluOf(sum) : sum;
  };
}

/** timm's `ConvNormAct`. */
function unit(
  context: LayerContext,
  name: string,
  shape: ConvolutionLayerOptions & { readonly kernel: 1 | 3 },
): ConvolutionNorm {
  return convolutionNormLayer(
    context,
    { convolution: `${name}.conv`, norm: `${name}.bn` },
    { ...shape, padding: shape.kernel === 3 ? 1 : 0 },
  );
}
