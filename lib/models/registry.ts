import { random } from '../engine/random';
import { type CheckedName, modelError, optionError, unknownName } from '../errors';
import type { LayerContext, LinearStart } from '../nn/layers';
import { asModel, type Model, type Network } from '../nn/model';
import { ModelState } from '../nn/state';
import { mobileNetV1 } from './mobilenet-v1';
import { mobileNetV2 } from './mobilenet-v2';
import { regNetY } from './regnet';
import {
  cifarResNet,
  type CifarResNetOptions,
  deepCifarResNet,
  resNet,
  type ResNetOptions,
} from './resnet';
import { shuffleNetV1 } from './shufflenet-v1';
import { shuffleNetV2 } from './shufflenet-v2';
import { vgg } from './vgg';
import { visionTransformer, type VisionTransformerOptions } from './vision-transformer';
import { wideResNet } from './wide-resnet';

/** What every family is built from; each takes what it has a use for. */
export interface BuildOptions {
  readonly classes: number;
  /** Side of the square images. */
  readonly imageSize: number;
  /** Stochastic depth of the last block. */
  readonly dropPath: number;
}

/** A named network before it has weights. */
export interface Architecture {
  /** Side of the square images that it was published for. */
  readonly imageSize: number;
  /** Whether its residual branches can be dropped in training. */
  readonly dropsPaths: boolean;
  /** Makes its layers, whose tensors go into the state of `context`, in the order of the state dict. */
  build(context: LayerContext, options: BuildOptions): Network;
}

type Builder = (context: LayerContext, classes: number) => Network;

function ofSide(imageSize: number, builder: Builder): Architecture {
  const build: Architecture['build'] = (context, { classes }) => builder(context, classes);
  return { imageSize, dropsPaths: false, build };
}

const narrow = [16, 16, 32, 64] as const;
const wide = [32, 64, 128, 256] as const;

/** The architectures for images of 32 × 32, by the names that the paper's tables and checkpoints use. */
export const cifarModels = {
  resnet8: residualNetwork(8, narrow),
  resnet14: residualNetwork(14, narrow),
  resnet20: residualNetwork(20, narrow),
  resnet32: residualNetwork(32, narrow),
  resnet44: residualNetwork(44, narrow),
  resnet56: residualNetwork(56, narrow),
  resnet110: residualNetwork(110, narrow),
  resnet8x4: residualNetwork(8, wide),
  resnet32x4: residualNetwork(32, wide),
  wrn_16_1: wideNet(16, 1),
  wrn_16_2: wideNet(16, 2),
  wrn_40_1: wideNet(40, 1),
  wrn_40_2: wideNet(40, 2),
  vgg8: ofSide(32, (context, classes) => vgg(context, { convolutions: 1, classes })),
  vgg13: ofSide(32, (context, classes) => vgg(context, { convolutions: 2, classes })),
  ResNet18: ofSide(32, (context, classes) =>
    deepCifarResNet(context, { blocks: [2, 2, 2, 2], bottleneck: false, classes }),
  ),
  ResNet50: ofSide(32, (context, classes) =>
    deepCifarResNet(context, { blocks: [3, 4, 6, 3], bottleneck: true, classes }),
  ),
  MobileNetV2: ofSide(32, mobileNetV2),
  ShuffleV1: ofSide(32, shuffleNetV1),
  ShuffleV2: ofSide(32, shuffleNetV2),
} as const satisfies Readonly<Record<string, Architecture>>;

function residualNetwork(depth: number, channels: CifarResNetOptions['channels']): Architecture {
  return ofSide(32, (context, classes) => cifarResNet(context, { depth, channels, classes }));
}

function wideNet(depth: number, width: number): Architecture {
  return ofSide(32, (context, classes) => wideResNet(context, { depth, width, classes }));
}

const imageSize = 224;

const tiny = { size: 192, depth: 12, heads: 3 } as const;
const small = { size: 384, depth: 12, heads: 6 } as const;
const base = { size: 768, depth: 12, heads: 12 } as const;

/** The architectures for ImageNet, by torchvision's and timm's names, and narrower ones. */
export const imageNetModels = {
  resnet18: residual({ blocks: [2, 2, 2, 2], bottleneck: false }),
  resnet34: residual({ blocks: [3, 4, 6, 3], bottleneck: false }),
  resnet50: residual({ blocks: [3, 4, 6, 3], bottleneck: true }),
  resnet101: residual({ blocks: [3, 4, 23, 3], bottleneck: true }),
  resnet152: residual({ blocks: [3, 8, 36, 3], bottleneck: true }),
  // Half as wide, of our own: what a processor without a graphics card can train on small images.
  resnet18_half: residual({ blocks: [2, 2, 2, 2], bottleneck: false, width: 32 }),
  resnet34_half: residual({ blocks: [3, 4, 6, 3], bottleneck: false, width: 32 }),
  mobilenet_v1: ofSide(imageSize, mobileNetV1),
  vit_tiny_patch16_224: transformer(tiny),
  vit_small_patch16_224: transformer(small),
  vit_base_patch16_224: transformer(base),
  deit_tiny_distilled_patch16_224: transformer(tiny, { distilled: true }),
  deit_small_distilled_patch16_224: transformer(small, { distilled: true }),
  deit_base_distilled_patch16_224: transformer(base, { distilled: true }),
  regnety_002: regNet([24, 56, 152, 368], [1, 1, 4, 7], 8),
  regnety_160: regNet([224, 448, 1232, 3024], [2, 4, 11, 1], 112),
} as const satisfies Readonly<Record<string, Architecture>>;

function residual(shape: Omit<ResNetOptions, 'classes'>): Architecture {
  return ofSide(imageSize, (context, classes) => resNet(context, { ...shape, classes }));
}

function transformer(
  shape: Pick<VisionTransformerOptions, 'size' | 'depth' | 'heads'>,
  { distilled = false }: { distilled?: boolean } = {},
): Architecture {
  return {
    imageSize,
    dropsPaths: true,
    build: (context, options) => visionTransformer(context, { ...shape, ...options, distilled }),
  };
}

function regNet(
  channels: readonly number[],
  blocks: readonly number[],
  groupWidth: number,
): Architecture {
  const stages = channels.map((width, at) => ({ channels: width, blocks: blocks[at] ?? 0 }));
  return {
    imageSize,
    dropsPaths: true,
    build: (context, { classes, dropPath }) =>
      regNetY(context, { stages, groupWidth, classes, dropPath }),
  };
}

const known = { ...cifarModels, ...imageNetModels };

/** A network of the package by its name. */
export type KnownModel = keyof typeof known;

/**
 * The name of a network: one of the package, or what `registerModel` gave for one of yours, or `modelName`
 * for a text that is read while the program runs.
 */
export type ModelName = KnownModel | CheckedName<'model'>;

const architectures = new Map<string, Architecture>(Object.entries(known));
const names = [...architectures.keys()];

/** The names that `createModel` knows. */
export const modelNames: readonly string[] = names;

/** @throws LabError of kind `option` for a name that `createModel` does not know. */
export function modelName(text: string, where?: string): ModelName {
  if (!architectures.has(text)) throw unknownName('model', text, modelNames, where);
  return text as CheckedName<'model'>;
}

/**
 * Makes a network of yours known under its name, for `createModel`, recipes and the commands. Its forward pass
 * throws where logits or embedding are of another shape than it says.
 *
 * @throws LabError of kind `option` when the name is taken or cannot be one.
 */
export function registerModel(name: string, architecture: Architecture): ModelName {
  const taken = architectures.has(name);
  if (taken || !/^[\w.+-]+$/.test(name)) {
    throw optionError`${taken ? 'two networks have the same name' : 'this is no name for a network'}: found '${name}'. Give the new one a name of its own, of letters, digits and . _ + -`;
  }
  const build: Architecture['build'] = (context, options) =>
    checkedNetwork(name, options.classes, architecture.build(context, options));
  architectures.set(name, { ...architecture, build });
  names.push(name);
  return modelName(name);
}

/** What is of another shape than it says would be trained on, or fail in a loss far from here. */
function checkedNetwork(
  name: string,
  classes: number,
  { embeddingSize, forward, ...others }: Network,
): Network {
  return {
    ...others,
    embeddingSize,
    forward(images, mode) {
      const output = forward(images, mode);
      const [count] = images.shape;
      const shapes = [output.logits.shape, output.embedding.shape].map((shape) =>
        shape.join(' × '),
      );
      const said = [classes, embeddingSize].map((size) => `${count} × ${size}`);
      if (shapes.join() === said.join()) return output;
      throw modelError`a network gives something else than it says (${name}): found logits ${shapes[0]} and an embedding ${shapes[1]}, not ${said[0]} and ${said[1]}. Let forward give them as [images, classes] and [images, embeddingSize]`;
    },
  };
}

/** The names among them that were published for ImageNet. */
export const imageNetModelNames: readonly string[] = Object.keys(imageNetModels);

/** Whether the published model calls some norms twice in a pass (`ForwardMode.repeatedNorms`). */
export function hasRepeatedNorms(name: string): boolean {
  return name.startsWith('wrn_');
}

/**
 * How the linear layers of student and adapter begin under a method in the paper's code (fc6f3f9), where not as
 * the published network's and PyTorch's. Its CIFAR-100 ResNets draw their classifier from N(0, 0.01²), biases
 * too, and its wide ResNets set the bias to 0. `EmbTrans`, which wraps a student with an adapter unless it learns
 * alone, then sets the biases of all linear layers to 0, the adapter's and the student's own; ReviewKD's module
 * does so with every student. On ImageNet `EmbTrans` draws all of them from N(0, 0.01²), biases too.
 */
export function releasedStart(
  student: string,
  method: string,
): { readonly student?: LinearStart; readonly adapter?: LinearStart } | undefined {
  if (Object.hasOwn(imageNetModels, student)) return { student: 'normal', adapter: 'normal' };
  const alone = method === 'student' || method === 'teacher';
  if (/^resnet/.test(student)) {
    return { student: /^reviewkd/.test(method) ? 'small-normal' : 'normal' };
  }
  if (student.startsWith('wrn_')) {
    return { student: 'fan-in-weight', ...(alone ? {} : { adapter: 'fan-in-weight' }) };
  }
  if (alone) return undefined;
  if (student.startsWith('Shuffle')) {
    return { student: 'fan-in-weight', adapter: 'fan-in-weight' };
  }
  // Its own bias is 0 from the first.
  return student === 'MobileNetV2' ? { adapter: 'fan-in-weight' } : undefined;
}

interface ModelOptions {
  readonly classes: number;
  /** Of the first weights; 0 by default. */
  readonly seed?: number;
  /**
   * Side of the square images; by default that of the published model. Vision transformers see no other;
   * for the others it is what `Model.inputSize` says.
   */
  readonly imageSize?: number;
  /** Stochastic depth of the last block, which rises from 0 in the first; 0 by default. */
  readonly dropPath?: number;
  /** How its linear layers begin; as those of the published model by default. */
  readonly linearStart?: LinearStart;
}

/**
 * A network with freshly drawn weights.
 *
 * @throws LabError for an unknown name, an image size or stochastic depth that it cannot have (`option`), or
 *   fewer than two classes (`model`).
 */
export function createModel(
  name: ModelName,
  { classes, seed = 0, imageSize, dropPath = 0, linearStart }: ModelOptions,
): Model {
  const architecture = architectures.get(name);
  if (architecture === undefined) throw unknownName('model', name, modelNames);
  if (!Number.isInteger(classes) || classes < 2) {
    throw modelError`a classifier needs at least two classes (${name}): found ${String(classes)}. Give a data set with two classes or more`;
  }
  requireDropPath(name, dropPath, architecture.dropsPaths);
  const inputSize = imageSize ?? architecture.imageSize;
  const state = new ModelState();
  try {
    const network = architecture.build(
      { state, random: random(seed, 'weights', name), linearStart },
      { classes, imageSize: inputSize, dropPath },
    );
    return asModel({ name, classes, inputSize }, state, network);
  } catch (error) {
    state.dispose();
    throw error;
  }
}

function requireDropPath(name: string, dropPath: number, possible: boolean): void {
  if (dropPath === 0) return;
  if (possible && dropPath > 0 && dropPath < 1) return;
  throw optionError`${
    possible
      ? 'stochastic depth is a probability from 0 to below 1'
      : `${name} has no stochastic depth`
  } (dropPath): found ${String(dropPath)}. ${possible ? 'Give a number such as 0.1' : 'Leave it out'}`;
}
