import type * as tf from '@tensorflow/tfjs';
import { maxPool } from '../engine/operations/pooling';
import { type ConvolutionNorm, convolutionNormLayer } from '../nn/blocks';
import { type ConvolutionLayerOptions, type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type ResidualBlock, stagedNetwork } from './residual-stages';

/** Channels of ImageNet's stem, unless another width is given. */
const stemChannels = 64;
/** What its four stages' channels are of the first one's. */
const widening = [1, 2, 4, 8] as const;
const expansion = 4;
const threeByThree = { kernel: 3, padding: 1 } as const;

interface BlockShape {
  readonly inputs: number;
  /** Of the 3 × 3 convolutions. */
  readonly channels: number;
  readonly outputs: number;
  readonly stride: number;
}

interface ResidualNetworkOptions {
  readonly stem: Omit<ConvolutionLayerOptions, 'inputs'>;
  readonly pool?: (x: tf.Tensor4D) => tf.Tensor4D;
  /** Of each stage, before a bottleneck's expansion. */
  readonly channels: readonly number[];
  /** Of each stage. */
  readonly blocks: readonly number[];
  /** Three convolutions (1 × 1, 3 × 3, 1 × 1 to four times the channels) instead of two. */
  readonly bottleneck: boolean;
  readonly block: (context: LayerContext, name: string, shape: BlockShape) => ResidualBlock;
  /** Its name in the state dict. */
  readonly classifier: string;
  readonly classes: number;
}

/** A stem `conv1`, `bn1`, stages of residual blocks, `layer1` …, and a classifier. */
function residualNetwork(
  context: LayerContext,
  { stem, pool, channels, blocks, bottleneck, block, classifier, classes }: ResidualNetworkOptions,
): Network {
  const first = unit(context, ['conv1', 'bn1'], { ...stem, inputs: 3 });
  let inputs = stem.outputs;
  const stages = channels.map((width, stage) =>
    Array.from({ length: blocks[stage] ?? 0 }, (_, index) => {
      const outputs = bottleneck ? expansion * width : width;
      const shape = { inputs, channels: width, outputs, stride: index === 0 && stage > 0 ? 2 : 1 };
      inputs = outputs;
      return block(context, `layer${stage + 1}.${index}`, shape);
    }),
  );
  const lastNorm = bottleneck ? 'bn3' : 'bn2';
  return stagedNetwork({
    stem: first,
    pool,
    stages,
    classifier: linearLayer(context, classifier, { inputs, outputs: classes }),
    embeddingSize: inputs,
    preActivationNorms: stages.map(
      ({ length }, stage) => `layer${stage + 1}.${length - 1}.${lastNorm}`,
    ),
    bfloat16: true,
  });
}

function unit(
  context: LayerContext,
  [convolution, norm]: readonly [string, string],
  options: ConvolutionLayerOptions,
): ConvolutionNorm {
  return convolutionNormLayer(context, { convolution, norm }, options);
}

/** Where a block changes the size or the channels: `name.0` and `name.1` in the state dict. */
function projectionOf(
  context: LayerContext,
  name: string,
  { inputs, outputs, stride }: BlockShape,
): ConvolutionNorm | undefined {
  if (stride === 1 && inputs === outputs) return undefined;
  return unit(context, [`${name}.0`, `${name}.1`], { inputs, outputs, kernel: 1, stride });
}

/** A ResNet for images of 32 × 32. */
export interface CifarResNetOptions {
  /** 6n + 2. */
  readonly depth: number;
  /** Of the stem and the three stages. */
  readonly channels: readonly [number, number, number, number];
  readonly classes: number;
}

/**
 * The ResNets for 32 × 32 images with two-convolution blocks and projection shortcuts, in the form of
 * the published teachers (mdistiller's `resnet.py`): resnet8 … resnet110 and the ×4 wide ones.
 */
export function cifarResNet(
  context: LayerContext,
  { depth, channels: [stem, ...channels], classes }: CifarResNetOptions,
): Network {
  return residualNetwork(context, {
    stem: { outputs: stem, ...threeByThree },
    channels,
    blocks: channels.map(() => (depth - 2) / 6),
    bottleneck: false,
    block: basicBlock,
    classifier: 'fc',
    classes,
  });
}

function basicBlock(context: LayerContext, name: string, shape: BlockShape): ResidualBlock {
  const { inputs, outputs, stride } = shape;
  const first = unit(context, [`${name}.conv1`, `${name}.bn1`], {
    ...{ inputs, outputs, stride },
    ...threeByThree,
  });
  const second = unit(context, [`${name}.conv2`, `${name}.bn2`], {
    ...{ inputs: outputs, outputs },
    ...threeByThree,
  });
  const projection = projectionOf(context, `${name}.downsample`, shape);
  return (x, mode, { relu }) => {
    const hidden = first(x, mode, { relu: true });
    const residual = projection ? projection(x, mode, { relu: false }) : x;
    return second(hidden, mode, { residual, relu });
  };
}

/** A ResNet like ImageNet's, of four stages. */
export interface ResNetOptions {
  readonly blocks: readonly [number, number, number, number];
  /** Three convolutions (1 × 1, 3 × 3, 1 × 1 to four times the channels) instead of two. */
  readonly bottleneck: boolean;
  /** Channels of the stem and of the first stage, before a bottleneck's expansion; each later stage has twice as many. */
  readonly width?: number;
  readonly classes: number;
}

/**
 * ResNets for ImageNet (He et al., arXiv 1512.03385) under torchvision's names: resnet18, 34, 50, 101 and
 * 152. The 3 × 3 convolution of a bottleneck has the stride; the first feature is the stem before its pooling.
 */
export function resNet(
  context: LayerContext,
  { width = stemChannels, ...options }: ResNetOptions,
): Network {
  return residualNetwork(context, {
    ...options,
    stem: { outputs: width, kernel: 7, stride: 2, padding: 3 },
    pool: (x) => maxPool(x, { kernel: 3, stride: 2, padding: 1 }),
    channels: widening.map((factor) => factor * width),
    block: deepBlock(options.bottleneck, 'downsample'),
    classifier: 'fc',
  });
}

/**
 * ResNet18 and ResNet50 for CIFAR, in the form of the published teachers (mdistiller's `resnetv2.py`):
 * ImageNet's with a 3 × 3 stem and no pooling.
 */
export function deepCifarResNet(
  context: LayerContext,
  options: Omit<ResNetOptions, 'width'>,
): Network {
  return residualNetwork(context, {
    ...options,
    stem: { outputs: stemChannels, ...threeByThree },
    channels: widening.map((factor) => factor * stemChannels),
    block: deepBlock(options.bottleneck, 'shortcut'),
    classifier: 'linear',
  });
}

/** @param shortcut what the projection beside a block is called in the state dict */
function deepBlock(
  bottleneck: boolean,
  shortcut: 'shortcut' | 'downsample',
): ResidualNetworkOptions['block'] {
  return (context, name, shape) => {
    const { inputs, channels, outputs, stride } = shape;
    const shapes = bottleneck
      ? [
          { inputs, outputs: channels, kernel: 1 },
          { inputs: channels, outputs: channels, ...threeByThree, stride },
          { inputs: channels, outputs, kernel: 1 },
        ]
      : [
          { inputs, outputs: channels, ...threeByThree, stride },
          { inputs: channels, outputs, ...threeByThree },
        ];
    const units = shapes.map((options, index) =>
      unit(context, [`${name}.conv${index + 1}`, `${name}.bn${index + 1}`], options),
    );
    const projection = projectionOf(context, `${name}.${shortcut}`, shape);
    return (x, mode, { relu }) => {
      const residual = projection ? projection(x, mode, { relu: false }) : x;
      return units.reduce(
        (hidden, layer, index) =>
          layer(hidden, mode, index === units.length - 1 ? { residual, relu } : { relu: true }),
        x,
      );
    };
  };
}
