import { convolutionNormLayer } from '../nn/convolution-norm';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type ResidualBlock, stagedNetwork } from './residual-stages';

/** ImageNet's ResNets with a 3 × 3 stem and no pooling, for images of 32 × 32. */
export interface DeepCifarResNetOptions {
  readonly blocks: readonly [number, number, number, number];
  /** Three convolutions (1 × 1, 3 × 3, 1 × 1 to four times the channels) instead of two. */
  readonly bottleneck: boolean;
  readonly classes: number;
}

/** Channels of the four stages, before a bottleneck's expansion. */
const stageChannels = [64, 128, 256, 512] as const;
const expansion = 4;

/**
 * ResNet18 and ResNet50 for CIFAR, in the form of the published teachers (mdistiller's `resnetv2.py`).
 */
export function deepCifarResNet(
  context: LayerContext,
  { blocks, bottleneck, classes }: DeepCifarResNetOptions,
): Network {
  const first = convolutionNormLayer(
    context,
    { convolution: 'conv1', norm: 'bn1' },
    { inputs: 3, outputs: 64, kernel: 3, padding: 1 },
  );
  let inputs = 64;
  const stages = stageChannels.map((channels, stage) =>
    Array.from({ length: blocks[stage] ?? 0 }, (_, place) => {
      const block = residualBlock(context, `layer${stage + 1}.${place}`, {
        inputs,
        channels,
        stride: place === 0 && stage > 0 ? 2 : 1,
        bottleneck,
      });
      inputs = bottleneck ? expansion * channels : channels;
      return block;
    }),
  );
  const classifier = linearLayer(context, 'linear', { inputs, outputs: classes });
  const lastNorm = bottleneck ? 'bn3' : 'bn2';
  return stagedNetwork({
    stem: first,
    stages,
    classifier,
    embeddingSize: inputs,
    preActivationNorms: stages.map(
      ({ length }, stage) => `layer${stage + 1}.${length - 1}.${lastNorm}`,
    ),
  });
}

function residualBlock(
  context: LayerContext,
  name: string,
  {
    inputs,
    channels,
    stride,
    bottleneck,
  }: { inputs: number; channels: number; stride: number; bottleneck: boolean },
): ResidualBlock {
  const outputs = bottleneck ? expansion * channels : channels;
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
  const shortcut =
    stride !== 1 || inputs !== outputs
      ? convolutionNormLayer(
          context,
          { convolution: `${name}.shortcut.0`, norm: `${name}.shortcut.1` },
          { inputs, outputs, kernel: 1, stride },
        )
      : undefined;
  return (x, mode, { relu }) => {
    const residual = shortcut ? shortcut(x, mode, { relu: false }) : x;
    return units.reduce(
      (hidden, unit, index) =>
        unit(hidden, mode, index === units.length - 1 ? { residual, relu } : { relu: true }),
      x,
    );
  };
}
