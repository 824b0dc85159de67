import * as tf from '@tensorflow/tfjs';
import { relu as reluOf, relu6 } from '../engine/operations/activations';
import { batchNormEpsilon } from '../engine/operations/batch-norm';
import type { ConvolutionOptions } from '../engine/operations/convolution';
import { maxPool } from '../engine/operations/pooling';
import { unknownName } from '../errors';
import {
  batchNormLayer,
  convolutionLayer,
  type ForwardMode,
  type LayerContext,
  normalFanOut,
  uniformFanIn,
} from '../nn/layers';
import type { PixelForm } from './coco/data';
import { caffePixels, torchvisionPixels } from './coco/images';
import { convolutionUnit } from './convolution-unit';

/**
 * `frozen`: batch norm as a fixed scale and shift, for weights that were trained on images before
 * (detectron2's default); `batch`: batch norm over each batch, for training from random weights.
 */
export type Normalisation = 'frozen' | 'batch';

/** How a part of a detector is built. */
export interface UnitContext extends LayerContext {
  readonly norm: Normalisation;
  /** Whether an optimiser may change the weights. */
  readonly trainable: boolean;
}

interface UnitOptions extends ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
}

/** What follows the norm. `relu6` is min(max(x, 0), 6). */
interface UnitTail {
  readonly residual?: tf.Tensor4D;
  readonly activation: 'relu' | 'relu6' | 'none';
}

export type Unit = (x: tf.Tensor4D, mode: ForwardMode, tail: UnitTail) => tf.Tensor4D;

interface UnitNames {
  readonly convolution: string;
  readonly norm: string;
}

/** Convolution without bias, norm, an optional sum and an optional activation. */
export function normalisedUnit(context: UnitContext, names: UnitNames, options: UnitOptions): Unit {
  return (context.norm === 'frozen' ? frozenUnit : batchUnit)(context, names, options);
}

/** γ / √(variance + ε) goes into the weights and the rest into a bias: no pass of its own for the norm. */
function frozenUnit(
  { state, random, trainable }: UnitContext,
  names: UnitNames,
  options: UnitOptions,
): Unit {
  const { kernel, inputs, outputs, groups = 1 } = options;
  const weights = state.add(
    `${names.convolution}.weight`,
    normalFanOut(
      [kernel, kernel, inputs / groups, outputs],
      (outputs / groups) * kernel ** 2,
      random,
    ),
    { trainable, layout: 'convolution' },
  );
  const constant = (name: string, value: tf.Tensor): ReturnType<typeof state.add> =>
    state.add(`${names.norm}.${name}`, value, { trainable: false, layout: 'same' });
  const scale = constant('weight', tf.ones([outputs]));
  const shift = constant('bias', tf.zeros([outputs]));
  const mean = constant('running_mean', tf.zeros([outputs]));
  const variance = constant('running_var', tf.ones([outputs]));
  return (x, _, { residual, activation }) => {
    const factor = tf.div(scale.value, tf.sqrt(tf.add(variance.value, batchNormEpsilon)));
    const bias = tf.sub<tf.Tensor1D>(shift.value, tf.mul(mean.value, factor));
    const folded = tf.mul<tf.Tensor4D>(weights.value, factor);
    const output = convolutionUnit(x, folded, bias, {
      ...options,
      relu: activation === 'relu',
      residual,
    });
    return activation === 'relu6' ? relu6(output) : output;
  };
}

function batchUnit(context: UnitContext, names: UnitNames, options: UnitOptions): Unit {
  const convolution = convolutionLayer(context, names.convolution, options);
  const norm = batchNormLayer(context, names.norm, options.outputs);
  return (x, mode, { residual, activation }) => {
    const normalised = norm(convolution(x, mode), mode);
    const sum: tf.Tensor4D = residual ? tf.add(normalised, residual) : normalised;
    if (activation === 'none') return sum;
    return activation === 'relu' ? reluOf(sum) : relu6(sum);
  };
}

interface BiasedUnitOptions extends UnitOptions {
  /** U(±√(3 / fanIn)) as detectron2 draws an FPN's weights, or N(0, 0.01²) as an RPN's. */
  readonly initialise: 'wide-fan-in' | 'small-normal';
  readonly relu?: boolean;
}

const smallDeviation = 0.01;

/** Convolution with a bias (0 at first) and an optional ReLU: detectron2's `Conv2d` without norm. */
export function biasedUnit(
  { state, random }: LayerContext,
  name: string,
  options: BiasedUnitOptions,
): (x: tf.Tensor4D) => tf.Tensor4D {
  const { kernel, inputs, outputs, initialise, relu = false } = options;
  const shape = [kernel, kernel, inputs, outputs];
  const weights = state.add(
    `${name}.weight`,
    initialise === 'wide-fan-in'
      ? uniformFanIn(shape, (inputs * kernel ** 2) / 3, random)
      : normalFanOut(shape, 2 / smallDeviation ** 2, random),
    { trainable: true, layout: 'convolution' },
  );
  const bias = state.add(`${name}.bias`, tf.zeros([outputs]), { trainable: true, layout: 'same' });
  return (x) =>
    convolutionUnit(x, weights.value as tf.Tensor4D, bias.value as tf.Tensor1D, {
      ...options,
      relu,
    });
}

/** A part of a backbone that can be frozen as a whole. */
export type Stage = (x: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D;

/** A network for images: its stages in order, and those after which a feature is shown. */
export interface Backbone {
  readonly stages: readonly Stage[];
  /** Places in `stages` after which the features of stride 4, 8, 16 and 32 are taken. */
  readonly shown: readonly number[];
  /** Their channels. */
  readonly channels: readonly number[];
}

/** A backbone's work so far. */
export interface BackboneProgress {
  readonly x: tf.Tensor4D;
  /** Features shown so far, finest first. */
  readonly features: readonly tf.Tensor4D[];
}

/** Runs the stages `from` … `to` − 1, or to the last one, on what the ones before left. */
export function runStages(
  { stages, shown }: Backbone,
  start: BackboneProgress,
  { from, to }: { readonly from: number; readonly to?: number },
  mode: ForwardMode,
): BackboneProgress {
  let x = start.x;
  const features = [...start.features];
  stages.slice(from, to).forEach((stage, offset) => {
    x = stage(x, mode);
    if (shown.includes(from + offset)) features.push(x);
  });
  return { x, features };
}

export interface ResNetOptions {
  readonly depth: 18 | 34 | 50 | 101 | 152;
  /** Channels of the stem, 64 in the published models. */
  readonly width?: number;
}

const blocksOf = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
} as const;

/**
 * ResNet in detectron2's form and names (`stem.conv1`, `res2.0.conv1`, `res2.0.conv1.norm`): a block's
 * stride is in its first convolution, the 1 × 1 one of a bottleneck, as in the weights from MSRA.
 *
 * @param contextOf the context of stage 0 (the stem), 1 (res2), …
 */
export function resNetBackbone(
  contextOf: (stage: number) => UnitContext,
  prefix: string,
  { depth, width = 64 }: ResNetOptions,
): Backbone {
  const bottleneck = depth >= 50;
  const stem = namedUnit(contextOf(0), `${prefix}stem.conv1`, {
    inputs: 3,
    outputs: width,
    kernel: 7,
    stride: 2,
    padding: 3,
  });
  const stages: Stage[] = [
    (x, mode) =>
      maxPool(stem(x, mode, { activation: 'relu' }), { kernel: 3, stride: 2, padding: 1 }),
  ];
  let inputs = width;
  const channels = blocksOf[depth].map((blocks, index) => {
    const middle = width * 2 ** index;
    const outputs = bottleneck ? 4 * middle : middle;
    const context = contextOf(index + 1);
    const stage = Array.from({ length: blocks }, (_, at) => {
      const shape = { inputs, middle, outputs, stride: at === 0 && index > 0 ? 2 : 1 };
      inputs = outputs;
      return residualBlock(context, `${prefix}res${index + 2}.${at}`, shape, bottleneck);
    });
    stages.push((x, mode) => stage.reduce((input, block) => block(input, mode), x));
    return outputs;
  });
  return { stages, shown: [1, 2, 3, 4], channels };
}

function residualBlock(
  context: UnitContext,
  name: string,
  { inputs, middle, outputs, stride }: Record<'inputs' | 'middle' | 'outputs' | 'stride', number>,
  bottleneck: boolean,
): Stage {
  const shortcut =
    inputs === outputs
      ? undefined
      : namedUnit(context, `${name}.shortcut`, { inputs, outputs, kernel: 1, stride });
  const shapes = bottleneck
    ? [
        { inputs, outputs: middle, kernel: 1, stride },
        { inputs: middle, outputs: middle, kernel: 3, padding: 1 },
        { inputs: middle, outputs, kernel: 1 },
      ]
    : [
        { inputs, outputs, kernel: 3, stride, padding: 1 },
        { inputs: outputs, outputs, kernel: 3, padding: 1 },
      ];
  const units = shapes.map((shape, index) => namedUnit(context, `${name}.conv${index + 1}`, shape));
  return (x, mode) => {
    const residual = shortcut ? shortcut(x, mode, { activation: 'none' }) : x;
    return units.reduce(
      (input, unit, index) =>
        unit(input, mode, {
          activation: 'relu',
          residual: index === units.length - 1 ? residual : undefined,
        }),
      x,
    );
  };
}

function namedUnit(context: UnitContext, name: string, options: UnitOptions): Unit {
  return normalisedUnit(context, { convolution: name, norm: `${name}.norm` }, options);
}

/** Expansion, output channels, blocks and first stride of each group of blocks. */
const groups = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 2 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1 },
] as const;

const stemChannels = 32;

/**
 * MobileNetV2 (Sandler et al., arXiv 1801.04381) for detection, without its last convolution and
 * classifier. A stage is the stem or a block; names are those of the ImageNet weights that detectors of
 * the field start from (`features.1.conv.0`); features are shown after blocks 3, 6, 13 and 17.
 */
export function mobileNetV2Backbone(
  contextOf: (stage: number) => UnitContext,
  prefix: string,
): Backbone {
  const stem = pair(contextOf(0), `${prefix}features.0`, 0, {
    inputs: 3,
    outputs: stemChannels,
    kernel: 3,
    stride: 2,
    padding: 1,
  });
  const stages: Stage[] = [(x, mode) => stem(x, mode, { activation: 'relu6' })];
  let inputs: number = stemChannels;
  for (const { expansion, channels, blocks, stride } of groups) {
    for (let block = 0; block < blocks; block++) {
      const index = stages.length;
      const shape = { inputs, outputs: channels, expansion, stride: block === 0 ? stride : 1 };
      stages.push(invertedResidual(contextOf(index), `${prefix}features.${index}.conv`, shape));
      inputs = channels;
    }
  }
  return { stages, shown: [3, 6, 13, 17], channels: [24, 32, 96, 320] };
}

function invertedResidual(
  context: UnitContext,
  name: string,
  shape: Record<'inputs' | 'outputs' | 'expansion' | 'stride', number>,
): Stage {
  const { inputs, outputs, expansion, stride } = shape;
  const hidden = inputs * expansion;
  const expand =
    expansion === 1 ? undefined : pair(context, name, 0, { inputs, outputs: hidden, kernel: 1 });
  const first = expand ? 3 : 0;
  const depthwise = pair(context, name, first, {
    inputs: hidden,
    outputs: hidden,
    kernel: 3,
    stride,
    padding: 1,
    groups: hidden,
  });
  const project = pair(context, name, first + 3, { inputs: hidden, outputs, kernel: 1 });
  const adds = stride === 1 && inputs === outputs;
  return (x, mode) => {
    const wide = expand ? expand(x, mode, { activation: 'relu6' }) : x;
    const mixed = depthwise(wide, mode, { activation: 'relu6' });
    return project(mixed, mode, { activation: 'none', residual: adds ? x : undefined });
  };
}

/** A convolution and its norm as two neighbours in a sequence. */
function pair(context: UnitContext, name: string, first: number, options: UnitOptions): Unit {
  const names = { convolution: `${name}.${first}`, norm: `${name}.${first + 1}` };
  return normalisedUnit(context, names, options);
}

export type BackboneName = 'resnet18' | 'resnet34' | 'resnet50' | 'resnet101' | 'mobilenetv2';

const depths: Readonly<Record<string, { depth: ResNetOptions['depth']; pixels: PixelForm }>> = {
  resnet18: { depth: 18, pixels: torchvisionPixels },
  resnet34: { depth: 34, pixels: torchvisionPixels },
  resnet50: { depth: 50, pixels: caffePixels },
  resnet101: { depth: 101, pixels: caffePixels },
};

/** The names that `createDetector` knows. */
const backboneNames: readonly string[] = [...Object.keys(depths), 'mobilenetv2'];

/** @throws LabError of kind `option` for an unknown name. */
export function buildBackbone(
  name: string,
  contextOf: (stage: number) => UnitContext,
  prefix: string,
  { width }: { readonly width?: number },
): { backbone: Backbone; pixels: PixelForm } {
  if (name === 'mobilenetv2') {
    return { backbone: mobileNetV2Backbone(contextOf, prefix), pixels: torchvisionPixels };
  }
  const resNet = Object.hasOwn(depths, name) ? depths[name] : undefined;
  if (resNet === undefined) throw unknownName('backbone', name, backboneNames);
  const options = { depth: resNet.depth, width };
  return { backbone: resNetBackbone(contextOf, prefix, options), pixels: resNet.pixels };
}
