import { maxPool } from '../engine/operations/pooling';
import { convolutionNormLayer } from '../nn/blocks';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type ResidualBlock, stagedNetwork } from './residual-stages';

export interface DeepResidualOptions {
  readonly blocks: readonly [number, number, number, number];
  /** Three convolutions (1 × 1, 3 × 3, 1 × 1 to four times the channels) instead of two. */
  readonly bottleneck: boolean;
  /** Channels of the stem and of the first stage, before a bottleneck's expansion; each later stage has twice as many. */
  readonly width?: number;
  /** What the projection beside a block is called in the state dict. */
  readonly shortcut: 'shortcut' | 'downsample';
}

interface DeepResidualStages {
  readonly stages: readonly (readonly ResidualBlock[])[];
  /** Channels of the last stage. */
  readonly outputs: number;
  readonly preActivationNorms: readonly string[];
}

/** Channels of the stem, unless another width is given. */
export const stemChannels = 64;
/** What the four stages' channels are of the first one's. */
const widening = [1, 2, 4, 8] as const;
const expansion = 4;

/**
 * The four stages of ImageNet's ResNets (He et al., arXiv 1512.03385), `layer1` … `layer4`, in torchvision's
 * form: the 3 × 3 convolution of a bottleneck has the stride.
 */
export function deepResidualStages(
  context: LayerContext,
  { blocks, bottleneck, width = stemChannels, shortcut }: DeepResidualOptions,
): DeepResidualStages {
  let inputs = width;
  const stages = widening.map((factor, stage) =>
    Array.from({ length: blocks[stage] ?? 0 }, (_, index) => {
      const channels = factor * width;
      const outputs = bottleneck ? expansion * channels : channels;
      const shape = { inputs, channels, outputs, stride: index === 0 && stage > 0 ? 2 : 1 };
      inputs = outputs;
      return residualBlock(context, `layer${stage + 1}.${index}`, shape, { bottleneck, shortcut });
    }),
  );
  const lastNorm = bottleneck ? 'bn3' : 'bn2';
  return {
    stages,
    outputs: inputs,
    preActivationNorms: stages.map(
      ({ length }, stage) => `layer${stage + 1}.${length - 1}.${lastNorm}`,
    ),
  };
}

interface BlockShape {
  readonly inputs: number;
  /** Of the 3 × 3 convolutions. */
  readonly channels: number;
  readonly outputs: number;
  readonly stride: number;
}

function residualBlock(
  context: LayerContext,
  name: string,
  { inputs, channels, outputs, stride }: BlockShape,
  { bottleneck, shortcut }: Pick<DeepResidualOptions, 'bottleneck' | 'shortcut'>,
): ResidualBlock {
  const three = { kernel: 3, padding: 1 } as const;
  const shapes = bottleneck
    ? [
        { inputs, outputs: channels, kernel: 1 },
        { inputs: channels, outputs: channels, ...three, stride },
        { inputs: channels, outputs, kernel: 1 },
      ]
    : [
        { inputs, outputs: channels, ...three, stride },
        { inputs: channels, outputs, ...three },
      ];
  const units = shapes.map((shape, index) =>
    convolutionNormLayer(
      context,
      { convolution: `${name}.conv${index + 1}`, norm: `${name}.bn${index + 1}` },
      shape,
    ),
  );
  const projection =
    stride !== 1 || inputs !== outputs
      ? convolutionNormLayer(
          context,
          { convolution: `${name}.${shortcut}.0`, norm: `${name}.${shortcut}.1` },
          { inputs, outputs, kernel: 1, stride },
        )
      : undefined;
  return (x, mode, { relu }) => {
    const residual = projection ? projection(x, mode, { relu: false }) : x;
    return units.reduce(
      (hidden, unit, index) =>
        unit(hidden, mode, index === units.length - 1 ? { residual, relu } : { relu: true }),
      x,
    );
  };
}

export interface ResNetOptions extends Pick<
  DeepResidualOptions,
  'blocks' | 'bottleneck' | 'width'
> {
  readonly classes: number;
}

/**
 * ResNets for ImageNet (He et al., arXiv 1512.03385) under torchvision's names: resnet18, 34, 50, 101 and
 * 152. The first feature is the stem before its pooling.
 */
export function resNet(
  context: LayerContext,
  { blocks, bottleneck, width = stemChannels, classes }: ResNetOptions,
): Network {
  const stem = convolutionNormLayer(
    context,
    { convolution: 'conv1', norm: 'bn1' },
    { inputs: 3, outputs: width, kernel: 7, stride: 2, padding: 3 },
  );
  const { stages, outputs, preActivationNorms } = deepResidualStages(context, {
    blocks,
    bottleneck,
    width,
    shortcut: 'downsample',
  });
  const classifier = linearLayer(context, 'fc', { inputs: outputs, outputs: classes });
  return stagedNetwork({
    stem,
    pool: (x) => maxPool(x, { kernel: 3, stride: 2, padding: 1 }),
    stages,
    classifier,
    embeddingSize: outputs,
    preActivationNorms,
    bfloat16: true,
  });
}
