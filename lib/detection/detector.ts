import * as tf from '@tensorflow/tfjs';
import { storedFloat } from '../engine/native';
import { type FloatType, inFloatType } from '../engine/operations/activations';
import { random } from '../engine/random';
import { optionError } from '../errors';
import type { ForwardMode, LayerContext } from '../nn/layers';
import { ModelState, type StateDict, type StateEntry } from '../nn/state';
import {
  type BackboneName,
  type BackboneProgress,
  biasedUnit,
  buildBackbone,
  type Normalisation,
  runStages,
  type UnitContext,
} from './backbones';
import { boxHead, type BoxOutput } from './box-head';
import { assignLevels, type Boxes, joinBoxes } from './boxes';
import type { PixelForm } from './coco/data';
import { defaultAnchorSizes, levelAnchors, proposalHead, type ProposalOutput } from './proposals';
import { roiAlign } from './roi-align';

/** Features of strides 4, 8, 16 and 32, in either type → P2 … P6 (strides 4 … 64), each of `channels`, in float32. */
type FeaturePyramid = (features: readonly tf.Tensor4D[]) => tf.Tensor4D[];

/**
 * Feature pyramid (Lin et al., arXiv 1612.03144) as detectron2's: `fpn_lateral2…5` (1 × 1),
 * `fpn_output2…5` (3 × 3), each coarser level doubled by nearest neighbour and added; P6 is every
 * second cell of P5.
 */
export function featurePyramid(
  context: LayerContext,
  prefix: string,
  inputs: readonly number[],
  channels: number,
): FeaturePyramid {
  const laterals = inputs.map((depth, index) =>
    biasedUnit(context, `${prefix}fpn_lateral${index + 2}`, {
      inputs: depth,
      outputs: channels,
      kernel: 1,
      initialise: 'wide-fan-in',
    }),
  );
  const outputs = inputs.map((_, index) =>
    biasedUnit(context, `${prefix}fpn_output${index + 2}`, {
      inputs: channels,
      outputs: channels,
      kernel: 3,
      padding: 1,
      initialise: 'wide-fan-in',
    }),
  );
  return (features) => {
    const type = features[0] ? storedFloat(features[0]) : 'float32';
    const inFloat32 = (x: tf.Tensor4D): tf.Tensor4D => inFloatType(x, 'float32');
    let above: tf.Tensor4D | undefined;
    const merged: tf.Tensor4D[] = [];
    for (let level = laterals.length - 1; level >= 0; level--) {
      const lateral = laterals[level]?.(features[level] as tf.Tensor4D);
      if (lateral === undefined) throw new Error(`no lateral of level ${level}`);
      const own = inFloat32(lateral);
      above = above ? tf.add<tf.Tensor4D>(own, doubled(above)) : own;
      merged.unshift(above);
    }
    const pyramid = merged.map((x, level) =>
      inFloat32(outputs[level]?.(inFloatType(x, type)) ?? x),
    );
    const coarsest = pyramid.at(-1);
    if (coarsest === undefined) throw new Error('a pyramid without levels');
    return [...pyramid, tf.maxPool(coarsest, 1, 2, 'valid')];
  };
}

function doubled(x: tf.Tensor4D): tf.Tensor4D {
  const [, height, width] = x.shape;
  return tf.image.resizeNearestNeighbor(x, [2 * height, 2 * width]);
}

/** The form of a detector, and its first weights. */
export interface DetectorOptions {
  readonly backbone: BackboneName;
  /** Object classes, background not counted. */
  readonly classes: number;
  /** Of the first weights; 0 by default. */
  readonly seed?: number;
  /** `frozen` by default: for weights that were trained before. */
  readonly norm?: Normalisation;
  /** Stages of the backbone that are not trained, from the stem on; detectron2's 2 by default. */
  readonly freezeAt?: number;
  /** Channels of a ResNet's stem (64 by default); MobileNetV2 has one width only. */
  readonly width?: number;
  /** Channels of the pyramid (256). */
  readonly pyramidChannels?: number;
  /** Size of the box head's two layers (1024). */
  readonly embeddingSize?: number;
  /** Side of a square anchor on each of P2 … P6. */
  readonly anchorSizes?: readonly number[];
  /** Side of a box that is pooled from P4 (224); smaller where images are. */
  readonly canonicalSide?: number;
  /** What the images' pixels became; the backbone's own by default. */
  readonly pixels?: PixelForm;
}

/** Faster R-CNN with a feature pyramid, in detectron2's definitions and parameter names. */
export interface Detector {
  readonly name: string;
  readonly classes: number;
  readonly embeddingSize: number;
  readonly pyramidChannels: number;
  readonly state: ModelState;
  /** How images must be normalised for it. */
  readonly pixels: PixelForm;
  /**
   * The stages that are never trained; for use outside a tape.
   *
   * @param images [batch, height, width, 3]; in bfloat16 the backbone and the pyramid's convolutions compute in it
   */
  frozen(images: tf.Tensor4D): BackboneProgress;
  /** P2 … P6 from what `frozen` gave, in float32. */
  pyramid(progress: BackboneProgress, mode: ForwardMode): tf.Tensor4D[];
  /** The regions that the pyramid proposes. @param type what its convolutions compute in; float32 by default */
  propose(pyramid: readonly tf.Tensor4D[], type?: FloatType): ProposalOutput;
  /** The anchors of each level, for a pyramid of these shapes. */
  anchors(pyramid: readonly tf.Tensor4D[]): Boxes[];
  /** The box head on regions, one list an image. */
  detect(pyramid: readonly tf.Tensor4D[], regions: readonly Boxes[]): BoxOutput;
  /** Copies of its tensors under its names. */
  stateDict(): Map<string, StateEntry>;
  /** @throws LabError when names or shapes differ; then nothing changes. */
  loadStateDict(entries: StateDict, where?: string): void;
  /** Frees its tensors. */
  dispose(): void;
}

const resolution = 7;
const pooledLevels = 4;
const finestStride = 4;

/**
 * A detector with freshly drawn weights.
 *
 * @throws LabError for an unknown backbone or options that do not fit.
 */
export function createDetector(options: DetectorOptions): Detector {
  const {
    classes,
    seed = 0,
    norm = 'frozen',
    freezeAt = 2,
    pyramidChannels = 256,
    embeddingSize = 1024,
    anchorSizes = defaultAnchorSizes,
    canonicalSide,
  } = options;
  requireOptions(options);
  const state = new ModelState();
  const context = { state, random: random(seed, 'weights', 'detector', options.backbone) };
  const contextOf = (stage: number): UnitContext =>
    stage < freezeAt
      ? { ...context, norm: 'frozen', trainable: false }
      : { ...context, norm, trainable: true };
  const { backbone, pixels } = buildBackbone(options.backbone, contextOf, 'backbone.bottom_up.', {
    width: options.width,
  });
  const pyramidOf = featurePyramid(context, 'backbone.', backbone.channels, pyramidChannels);
  const propose = proposalHead(context, 'proposal_generator.rpn_head.', pyramidChannels);
  const head = boxHead(context, 'roi_heads.', {
    channels: pyramidChannels,
    resolution,
    embeddingSize,
    classes,
  });
  return {
    name: `faster-rcnn-${options.backbone}-fpn`,
    classes,
    embeddingSize,
    pyramidChannels,
    state,
    pixels: options.pixels ?? pixels,
    frozen(images) {
      const start = { x: images, features: [] };
      return runStages(backbone, start, { from: 0, to: freezeAt }, { training: false });
    },
    pyramid: (progress, mode) =>
      pyramidOf(runStages(backbone, progress, { from: freezeAt }, mode).features),
    propose,
    anchors: (pyramid) =>
      pyramid.map(({ shape: [, height, width] }, level) =>
        levelAnchors({ height, width }, finestStride * 2 ** level, anchorSizes[level] ?? 0),
      ),
    detect(pyramid, regions) {
      const boxes = joinBoxes(regions);
      const images = Int32Array.from(
        regions.flatMap((list, image) => Array.from({ length: list.length / 4 }, () => image)),
      );
      const levels = pyramid
        .slice(0, pooledLevels)
        .map((features, level) => ({ features, scale: 1 / (finestStride * 2 ** level) }));
      const assigned = assignLevels(boxes, { side: canonicalSide });
      return head(
        roiAlign(levels, { boxes, images }, assigned, { size: resolution, samplingRatio: 0 }),
      );
    },
    stateDict: () => state.stateDict(),
    loadStateDict: (entries, where) => state.loadStateDict(entries, where),
    dispose: () => state.dispose(),
  };
}

function requireOptions(options: DetectorOptions): void {
  const { backbone, classes, anchorSizes, freezeAt = 0, width } = options;
  if (!Number.isInteger(classes) || classes < 1) {
    throw optionError`a detector needs at least one class (${backbone}): found ${classes}. Give the number of classes`;
  }
  if (anchorSizes && anchorSizes.length !== pooledLevels + 1) {
    throw optionError`one anchor size a level is needed (${backbone}): found ${anchorSizes.length}. Give five sizes`;
  }
  if (!Number.isInteger(freezeAt) || freezeAt < 0) {
    throw optionError`the stages that are not trained are no whole number from 0 on (${backbone}, freezeAt): found ${freezeAt}. Give 0 to train all of them, or 2 as detectron2 does`;
  }
  if (backbone === 'mobilenetv2' && width !== undefined) {
    throw optionError`this backbone has one width only (${backbone}, width): found ${width}. Leave width out, or take a ResNet`;
  }
}
