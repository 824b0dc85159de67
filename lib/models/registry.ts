import { random } from '../engine/random';
import { LabError, unknownName } from '../errors';
import type { LayerContext } from '../nn/layers';
import { asModel, type Model, type Network } from '../nn/model';
import { ModelState } from '../nn/state';
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

/** Every architecture by the name that the paper's tables and checkpoints use. */
const builders: Readonly<Record<string, Builder>> = {
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
  vgg8: (context, classes) => vgg(context, { convolutions: 1, classes }),
  vgg13: (context, classes) => vgg(context, { convolutions: 2, classes }),
  ResNet18: (context, classes) =>
    deepCifarResNet(context, { blocks: [2, 2, 2, 2], bottleneck: false, classes }),
  ResNet50: (context, classes) =>
    deepCifarResNet(context, { blocks: [3, 4, 6, 3], bottleneck: true, classes }),
  MobileNetV2: mobileNetV2,
  ShuffleV1: shuffleNetV1,
  ShuffleV2: shuffleNetV2,
};

/** The names that `createModel` knows. */
export const modelNames: readonly string[] = Object.keys(builders);

/**
 * A network with freshly drawn weights.
 *
 * @throws LabError for an unknown name (`option`) or fewer than two classes (`model`).
 */
export function createModel(
  name: string,
  { classes, seed = 0 }: { classes: number; seed?: number },
): Model {
  const builder = Object.hasOwn(builders, name) ? builders[name] : undefined;
  if (builder === undefined) throw unknownName('model', name, modelNames);
  if (!Number.isInteger(classes) || classes < 2) {
    throw new LabError({
      kind: 'model',
      what: 'a classifier needs at least two classes',
      where: name,
      found: String(classes),
      remedy: 'Give a data set with two classes or more',
    });
  }
  const state = new ModelState();
  const network = builder({ state, random: random(seed, 'weights', name) }, classes);
  return asModel(name, classes, state, network);
}

function resNet(depth: number, channels: CifarResNetOptions['channels']): Builder {
  return (context, classes) => cifarResNet(context, { depth, channels, classes });
}

function wideNet(depth: number, width: number): Builder {
  return (context, classes) => wideResNet(context, { depth, width, classes });
}
