import type { LayerContext } from '../nn/layers';
import type { Network } from '../nn/model';
import type { Architecture } from './architecture';
import { cifarResNet, type CifarResNetOptions } from './cifar-resnet';
import { deepCifarResNet } from './cifar-resnet-deep';
import { mobileNetV2 } from './mobilenet-v2';
import { shuffleNetV1 } from './shufflenet-v1';
import { shuffleNetV2 } from './shufflenet-v2';
import { vgg } from './vgg';
import { wideResNet } from './wide-resnet';

type Builder = (context: LayerContext, classes: number) => Network;

const narrow = [16, 16, 32, 64] as const;
const wide = [32, 64, 128, 256] as const;

/** The architectures for images of 32 × 32, by the names that the paper's tables and checkpoints use. */
export const cifarModels: Readonly<Record<string, Architecture>> = {
  resnet8: resNet(8, narrow),
  resnet14: resNet(14, narrow),
  resnet20: resNet(20, narrow),
  resnet32: resNet(32, narrow),
  resnet44: resNet(44, narrow),
  resnet56: resNet(56, narrow),
  resnet110: resNet(110, narrow),
  resnet8x4: resNet(8, wide),
  resnet32x4: resNet(32, wide),
  wrn_16_1: wideNet(16, 1),
  wrn_16_2: wideNet(16, 2),
  wrn_40_1: wideNet(40, 1),
  wrn_40_2: wideNet(40, 2),
  vgg8: ofSide32((context, classes) => vgg(context, { convolutions: 1, classes })),
  vgg13: ofSide32((context, classes) => vgg(context, { convolutions: 2, classes })),
  ResNet18: ofSide32((context, classes) =>
    deepCifarResNet(context, { blocks: [2, 2, 2, 2], bottleneck: false, classes }),
  ),
  ResNet50: ofSide32((context, classes) =>
    deepCifarResNet(context, { blocks: [3, 4, 6, 3], bottleneck: true, classes }),
  ),
  MobileNetV2: ofSide32(mobileNetV2),
  ShuffleV1: ofSide32(shuffleNetV1),
  ShuffleV2: ofSide32(shuffleNetV2),
};

function resNet(depth: number, channels: CifarResNetOptions['channels']): Architecture {
  return ofSide32((context, classes) => cifarResNet(context, { depth, channels, classes }));
}

function wideNet(depth: number, width: number): Architecture {
  return ofSide32((context, classes) => wideResNet(context, { depth, width, classes }));
}

function ofSide32(builder: Builder): Architecture {
  return {
    imageSize: 32,
    dropsPaths: false,
    build: (context, { classes }) => builder(context, classes),
  };
}
