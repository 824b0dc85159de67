import { maxPool } from '../engine/operations/pooling';
import { convolutionNormLayer } from '../nn/convolution-norm';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type DeepResidualOptions, deepResidualStages, stemChannels } from './deep-residual-stages';
import { stagedNetwork } from './residual-stages';

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
