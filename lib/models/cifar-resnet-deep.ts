import { convolutionNormLayer } from '../nn/convolution-norm';
import { type LayerContext, linearLayer } from '../nn/layers';
import type { Network } from '../nn/model';
import { type DeepResidualOptions, deepResidualStages, stemChannels } from './deep-residual-stages';
import { stagedNetwork } from './residual-stages';

/** ImageNet's ResNets with a 3 × 3 stem and no pooling, for images of 32 × 32. */
export interface DeepCifarResNetOptions extends Pick<DeepResidualOptions, 'blocks' | 'bottleneck'> {
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
