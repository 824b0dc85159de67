import { convolutionNormLayer } from '../nn/blocks';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type ResidualBlock, stagedNetwork } from './residual-stages';
import { type DeepResidualOptions, deepResidualStages, stemChannels } from './resnet';

/** Depth 6n + 2 and the channels of the stem and the three stages. */
export interface CifarResNetOptions {
  readonly depth: number;
  readonly channels: readonly [number, number, number, number];
  readonly classes: number;
}

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
  const first = convolutionNormLayer(
    context,
    { convolution: 'conv1', norm: 'bn1' },
    { inputs: 3, outputs: stem, kernel: 3, padding: 1 },
  );
  let inputs: number = stem;
  const stages = stageChannels.map((outputs, index) => {
    const blocks = Array.from({ length: blocksPerStage }, (_, at) => {
      const stride = at === 0 && index > 0 ? 2 : 1;
      const block = basicBlock(context, `layer${index + 1}.${at}`, { inputs, outputs, stride });
      inputs = outputs;
      return block;
    });
    return blocks;
  });
  const classifier = linearLayer(context, 'fc', { inputs, outputs: classes });

  return stagedNetwork({
    stem: first,
    stages,
    classifier,
    bfloat16: true,
    embeddingSize: inputs,
    preActivationNorms: stages.map((_, index) => `layer${index + 1}.${blocksPerStage - 1}.bn2`),
  });
}

function basicBlock(
  context: LayerContext,
  name: string,
  { inputs, outputs, stride }: { inputs: number; outputs: number; stride: number },
): ResidualBlock {
  const first = convolutionNormLayer(
    context,
    { convolution: `${name}.conv1`, norm: `${name}.bn1` },
    { inputs, outputs, kernel: 3, stride, padding: 1 },
  );
  const second = convolutionNormLayer(
    context,
    { convolution: `${name}.conv2`, norm: `${name}.bn2` },
    { inputs: outputs, outputs, kernel: 3, padding: 1 },
  );
  const projection =
    stride !== 1 || inputs !== outputs
      ? convolutionNormLayer(
          context,
          { convolution: `${name}.downsample.0`, norm: `${name}.downsample.1` },
          { inputs, outputs, kernel: 1, stride },
        )
      : undefined;
  return (x, mode, { relu }) => {
    const hidden = first(x, mode, { relu: true });
    const residual = projection ? projection(x, mode, { relu: false }) : x;
    return second(hidden, mode, { residual, relu });
  };
}

/** ImageNet's ResNets with a 3 × 3 stem and no pooling, for images of 32 × 32. */
interface DeepCifarResNetOptions extends Pick<DeepResidualOptions, 'blocks' | 'bottleneck'> {
  readonly classes: number;
}

/**
 * ResNet18 and ResNet50 for CIFAR, in the form of the published teachers (mdistiller's `resnetv2.py`).
 */
export function deepCifarResNet(
  context: LayerContext,
  { blocks, bottleneck, classes }: DeepCifarResNetOptions,
): Network {
  const stem = convolutionNormLayer(
    context,
    { convolution: 'conv1', norm: 'bn1' },
    { inputs: 3, outputs: stemChannels, kernel: 3, padding: 1 },
  );
  const { stages, outputs, preActivationNorms } = deepResidualStages(context, {
    blocks,
    bottleneck,
    shortcut: 'shortcut',
  });
  const classifier = linearLayer(context, 'linear', { inputs: outputs, outputs: classes });
  return stagedNetwork({
    stem,
    stages,
    classifier,
    embeddingSize: outputs,
    preActivationNorms,
    bfloat16: true,
  });
}
