import * as tf from '@tensorflow/tfjs';
import { type FloatType, inFloatType } from '../engine/operations/activations';
import type { Random } from '../engine/random';
import { tidied } from '../engine/tidy';
import type { LayerContext } from '../nn/layers';
import { biasedUnit } from './backbones';
import { binaryCrossEntropySum, smoothL1Sum } from './box-head';
import {
  boxCount,
  type Boxes,
  clipBoxes,
  decodeBoxes,
  encodeBoxes,
  type ImageSize,
  joinBoxes,
  pickBoxes,
  proposalCoding,
  soundBoxes,
} from './boxes';
import { suppressWithinGroups } from './non-maximum-suppression';
import { anchorMatching, matchBoxes, sampleLabels, type SampleOptions } from './sampling';

/** height / width of the anchors of a place, in their order: detectron2's. */
export const anchorRatios = [0.5, 1, 2] as const;

/** detectron2's side of a square anchor on each level of an FPN, finest first. */
export const defaultAnchorSizes = [32, 64, 128, 256, 512] as const;

/**
 * The anchors of one level: around the top left corner of each cell, one of each ratio with area size²
 * (width = size / √ratio, height = size · √ratio).
 *
 * @param grid cells of the level
 * @returns [height · width · ratios] boxes: cells row by row, the ratios of a cell together
 */
export function levelAnchors(grid: ImageSize, stride: number, size: number): Boxes {
  const shapes = anchorRatios.map((ratio) => {
    const width = Math.sqrt(size ** 2 / ratio);
    return [-width / 2, (-ratio * width) / 2, width / 2, (ratio * width) / 2] as const;
  });
  const boxes = new Float32Array(4 * shapes.length * grid.height * grid.width);
  let at = 0;
  for (let y = 0; y < grid.height; y++) {
    for (let x = 0; x < grid.width; x++) {
      for (const [left, top, right, bottom] of shapes) {
        boxes[at++] = x * stride + left;
        boxes[at++] = y * stride + top;
        boxes[at++] = x * stride + right;
        boxes[at++] = y * stride + bottom;
      }
    }
  }
  return boxes;
}

/** What the proposal network says of every anchor, all levels one after the other. */
export interface ProposalOutput {
  /** [batch, anchors] */
  readonly objectness: tf.Tensor2D;
  /** [batch, anchors, 4] */
  readonly deltas: tf.Tensor3D;
}

/**
 * The head of a region proposal network (Ren et al., arXiv 1506.01497), one for all levels: a 3 × 3
 * convolution with ReLU, then for each of the anchors of a place its objectness and its dx dy dw dh.
 */
export function proposalHead(
  context: LayerContext,
  prefix: string,
  channels: number,
): (pyramid: readonly tf.Tensor4D[], type?: FloatType) => ProposalOutput {
  const unit = (name: string, outputs: number, kernel: number): ReturnType<typeof biasedUnit> =>
    biasedUnit(context, `${prefix}${name}`, {
      inputs: channels,
      outputs,
      kernel,
      padding: (kernel - 1) / 2,
      relu: kernel > 1,
      initialise: 'small-normal',
    });
  const shared = unit('conv', channels, 3);
  const objectnessOf = unit('objectness_logits', anchorRatios.length, 1);
  const deltasOf = unit('anchor_deltas', 4 * anchorRatios.length, 1);
  return (pyramid, type = 'float32') => {
    const hidden = pyramid.map((x) => shared(inFloatType(x, type)));
    const inFloat32 = (x: tf.Tensor4D): tf.Tensor4D => inFloatType(x, 'float32');
    const batch = pyramid[0]?.shape[0] ?? 0;
    return {
      objectness: tf.concat2d(
        hidden.map((x) => tf.reshape(inFloat32(objectnessOf(x)), [batch, -1])),
        1,
      ),
      deltas: tf.concat3d(
        hidden.map((x) => tf.reshape(inFloat32(deltasOf(x)), [batch, -1, 4])),
        1,
      ),
    };
  };
}

export interface ProposalOptions {
  /** Highest scores that are looked at on each level. */
  readonly before: number;
  /** Proposals that are kept of an image. */
  readonly after: number;
  /** Overlap above which the lower one goes. */
  readonly threshold: number;
}

/** Proposals of one image, highest objectness first. */
export interface Proposals {
  readonly boxes: Boxes;
  readonly scores: Float32Array;
}

/**
 * Proposals out of a proposal network's output: on each level the best anchors are decoded, cut at the
 * image's edges and thinned out within their level; the best of all levels are kept.
 *
 * @param anchors of each level, as the output has them
 * @param sizes of the images without their padding
 */
export function findProposals(
  { objectness, deltas }: ProposalOutput,
  anchors: readonly Boxes[],
  sizes: readonly ImageSize[],
  options: ProposalOptions,
): Proposals[] {
  const candidates = bestOfLevels({ objectness, deltas }, anchors, options.before);
  return sizes.map((size, image) => {
    const own = candidates.map(
      (level) => level[image] ?? { boxes: new Float32Array(0), scores: new Float32Array(0) },
    );
    const boxes = clipBoxes(joinBoxes(own.map((level) => level.boxes)), size);
    const scores = Float32Array.from(own.flatMap((level) => [...level.scores]));
    const levels = Int32Array.from(
      own.flatMap((level, index) => Array.from(level.scores, () => index)),
    );
    const sound = soundBoxes(boxes, scores);
    const soundOnes = pickBoxes(boxes, sound);
    const soundScores = Float32Array.from(sound, (index) => scores[index] ?? 0);
    const kept = suppressWithinGroups(
      soundOnes,
      soundScores,
      Int32Array.from(sound, (index) => levels[index] ?? 0),
      options.threshold,
      options.after,
    );
    return {
      boxes: pickBoxes(soundOnes, kept),
      scores: Float32Array.from(kept, (index) => soundScores[index] ?? 0),
    };
  });
}

/** The best anchors of each level, decoded: a list of images for each. All levels are read from the device at once. */
function bestOfLevels(
  { objectness, deltas }: ProposalOutput,
  anchors: readonly Boxes[],
  most: number,
): Proposals[][] {
  const [batch] = objectness.shape;
  let start = 0;
  const levels = anchors.map((level) => {
    const count = boxCount(level);
    const own = { level, start, count, best: Math.min(most, count) };
    start += count;
    return own;
  });
  const numbers = tidied(() => {
    const parts = levels.flatMap((own) => {
      const { values, indices } = tf.topk(
        tf.slice(objectness, [0, own.start], [batch, own.count]),
        own.best,
      );
      const rows = tf.reshape(tf.slice(deltas, [0, own.start, 0], [batch, own.count, 4]), [-1, 4]);
      const first = tf.range(0, batch, 1, 'int32').expandDims(1);
      const places = tf.add(indices, tf.mul(first, tf.scalar(own.count, 'int32')));
      const chosen = tf.gather(rows, tf.reshape(places, [-1]) as tf.Tensor1D);
      // Places are whole numbers far below those that float32 holds no longer.
      return [values, tf.cast(indices, 'float32'), chosen].map((part) => part.flatten());
    });
    return tf.concat1d(parts).dataSync<'float32'>().slice();
  });
  let at = 0;
  const next = (length: number): Float32Array => numbers.subarray(at, (at += length));
  return levels.map(({ level, best }) => {
    const [scores, places, own] = [next(batch * best), next(batch * best), next(4 * batch * best)];
    return Array.from({ length: batch }, (_, image) => {
      const from = image * best;
      const indices = Int32Array.from(places.subarray(from, from + best));
      const chosen = own.subarray(4 * from, 4 * (from + best));
      return {
        boxes: decodeBoxes(pickBoxes(level, indices), chosen, proposalCoding),
        scores: scores.subarray(from, from + best),
      };
    });
  });
}

/** detectron2's: 256 anchors an image, at most half of them objects. */
export const anchorSampling: SampleOptions = { count: 256, objectShare: 0.5 };

/** The sampled anchors of a batch. */
interface AnchorTargets {
  /** Places in the output, image by image: image · anchors + anchor. */
  readonly objects: Int32Array;
  readonly background: Int32Array;
  /** dx dy dw dh of each of `objects`. */
  readonly deltas: Float32Array;
  /** What sums are divided by: samples an image · images. */
  readonly divisor: number;
}

/** Matches the anchors with each image's true boxes and draws the ones that are trained on. */
export function anchorTargets(
  anchors: Boxes,
  truths: readonly Boxes[],
  randomOf: (image: number) => Random,
  sampling: SampleOptions = anchorSampling,
): AnchorTargets {
  const count = anchors.length / 4;
  const objects: number[] = [];
  const background: number[] = [];
  const deltas = truths.map((truth, image) => {
    const { labels, targets } = matchBoxes(truth, anchors, anchorMatching);
    const sample = sampleLabels(labels, sampling, randomOf(image));
    sample.objects.forEach((index) => objects.push(image * count + index));
    sample.background.forEach((index) => background.push(image * count + index));
    return encodeBoxes(
      pickBoxes(anchors, sample.objects),
      pickBoxes(
        truth,
        sample.objects.map((index) => targets[index] ?? 0),
      ),
      proposalCoding,
    );
  });
  return {
    objects: Int32Array.from(objects),
    background: Int32Array.from(background),
    deltas: joinBoxes(deltas),
    divisor: sampling.count * truths.length,
  };
}

/** The losses of a proposal network: objectness of all sampled anchors, boxes of the objects among them. */
export function proposalLosses(
  { objectness, deltas }: ProposalOutput,
  { objects, background, deltas: wanted, divisor }: AnchorTargets,
): { readonly objectness: tf.Scalar; readonly box: tf.Scalar } {
  const indices = Int32Array.from([...objects, ...background]);
  const labels = Float32Array.from(indices, (_, index) => (index < objects.length ? 1 : 0));
  const logits = tf.gather(tf.reshape(objectness, [objectness.size]), indices);
  // As a tensor: the gather of an empty list has no gradient in TensorFlow.js.
  const rows = tf.tensor1d(objects, 'int32');
  const found = tf.gather(tf.reshape(deltas, [deltas.size / 4, 4]), rows);
  return {
    objectness: tf.div(binaryCrossEntropySum(logits, tf.tensor1d(labels)), divisor),
    box: tf.div(smoothL1Sum(found, tf.tensor2d(wanted, [objects.length, 4])), divisor),
  };
}
