import * as tf from '@tensorflow/tfjs';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import {
  batchNormLayer,
  convolutionLayer,
  type ConvolutionLayerOptions,
  type ForwardMode,
  type Layer4D,
  type LayerContext,
} from '../nn/layers';
import type { Model, ModelOutput } from '../nn/model';
import { inReplicas, joinedBatches } from '../nn/replicas';
import { ModelState } from '../nn/state';

type Side = number | readonly [height: number, width: number];

/** ReviewKD's blocks: they carry the student's features, deepest first, to the teacher's. */
export interface FusionBlocks {
  readonly state: ModelState;
  /**
   * @param student what `studentFeatures` gives, shallow first
   * @param sides of each of the teacher's features, shallow first: its height, where they are square, or
   *   its height and width
   * @returns features in the teacher's shapes, shallow first
   */
  forward(
    student: readonly tf.Tensor4D[],
    sides: readonly Side[],
    mode: ForwardMode,
  ): tf.Tensor4D[];
}

interface FusionBlockOptions {
  /** Channels of the student's reviewed features, shallow first. */
  readonly studentChannels: readonly number[];
  /** Channels of the teacher's. */
  readonly teacherChannels: readonly number[];
  /** At most so many channels pass from block to block, and no more than the student's deepest; 512 unless given. */
  readonly mostMiddleChannels?: number;
  readonly seed: number;
}

/** Whether a stage is taken after its last ReLU or before it. */
export type ReluSide = 'after ReLU' | 'before ReLU';

/** What ReviewKD takes of the student: each stage (not the stem), after its last ReLU unless told, and the embedding as 1 × 1. */
export function studentFeatures(output: ModelOutput, side: ReluSide = 'after ReLU'): tf.Tensor4D[] {
  const stages = side === 'after ReLU' ? output.features : output.preActivations;
  return [...stages.slice(1), asImage(output.embedding)];
}

/** What ReviewKD compares them with: the teacher's stages, before their last ReLU unless told, and its embedding. */
export function teacherFeatures(
  output: ModelOutput,
  side: ReluSide = 'before ReLU',
): tf.Tensor4D[] {
  return studentFeatures(output, side);
}

/** Channels of a model's reviewed features, found by a forward pass over one empty image. */
export function reviewedChannels(model: Model): number[] {
  return tidied(() =>
    studentFeatures(model.forward(tf.zeros([1, 32, 32, 3]), { training: false })).map(
      ({ shape }) => shape[3],
    ),
  );
}

/**
 * The attention-based fusion of ReviewKD (Chen et al., arXiv 2104.09044), as mdistiller has it: block 0
 * takes the embedding, each further one the next shallower stage and what the block before it found.
 * Names are those of mdistiller's list of blocks (`0.conv1.0.weight`, …).
 */
export function fusionBlocks({
  studentChannels,
  teacherChannels,
  mostMiddleChannels = 512,
  seed,
}: FusionBlockOptions): FusionBlocks {
  const state = new ModelState();
  const context = { state, random: random(seed, 'weights', 'fusion blocks') };
  const middle = Math.min(mostMiddleChannels, studentChannels.at(-1) ?? mostMiddleChannels);
  const deepest = studentChannels.length - 1;
  const blocks = studentChannels.map((_, index) => {
    const stage = deepest - index;
    return fusionBlock(context, String(index), {
      inputs: studentChannels[stage] ?? 0,
      middle,
      outputs: teacherChannels[stage] ?? 0,
      fuses: index > 0,
    });
  });
  const fused = (
    student: readonly tf.Tensor4D[],
    sides: readonly Side[],
    mode: ForwardMode,
  ): tf.Tensor4D[] => {
    const found: tf.Tensor4D[] = [];
    let carried: tf.Tensor4D | undefined;
    blocks.forEach((block, index) => {
      const stage = deepest - index;
      const features = student[stage];
      if (features === undefined) throw new Error(`no feature of stage ${stage}`);
      const result = block(features, carried, sides[stage] ?? 1, mode);
      carried = result.carried;
      found.unshift(result.output);
    });
    return found;
  };
  return {
    state,
    forward: (student, sides, mode) =>
      inReplicas(student, mode, (part, partMode) => fused(part, sides, partMode), joinedBatches),
  };
}

type Block = (
  x: tf.Tensor4D,
  deeper: tf.Tensor4D | undefined,
  side: Side,
  mode: ForwardMode,
) => { readonly output: tf.Tensor4D; readonly carried: tf.Tensor4D };

function fusionBlock(
  context: LayerContext,
  name: string,
  shape: Readonly<Record<'inputs' | 'middle' | 'outputs', number>> & { readonly fuses: boolean },
): Block {
  const { inputs, middle, outputs, fuses } = shape;
  const first = normalised(context, `${name}.conv1`, { inputs, outputs: middle, kernel: 1 });
  const threeByThree = { inputs: middle, outputs, kernel: 3, padding: 1 };
  const second = normalised(context, `${name}.conv2`, threeByThree);
  const attention = fuses
    ? convolutionLayer(context, `${name}.att_conv.0`, {
        inputs: 2 * middle,
        outputs: 2,
        kernel: 1,
        initialise: 'fan-in',
        bias: true,
      })
    : undefined;
  return (x, deeper, side, mode) => {
    let carried = first(x, mode);
    if (attention && deeper) {
      const above = resized(deeper, [carried.shape[1], carried.shape[2]]);
      const weights = tf.sigmoid(attention(tf.concat4d([carried, above], 3), mode));
      const [own, other] = tf.split(weights, 2, 3);
      carried = tf.add(tf.mul(carried, own as tf.Tensor), tf.mul(above, other as tf.Tensor));
    }
    carried = resized(carried, side);
    return { output: second(carried, mode), carried };
  };
}

function normalised(context: LayerContext, name: string, shape: ConvolutionLayerOptions): Layer4D {
  const convolution = convolutionLayer(context, `${name}.0`, {
    ...shape,
    initialise: 'wide-fan-in',
  });
  const norm = batchNormLayer(context, `${name}.1`, shape.outputs);
  return (x, mode) => norm(convolution(x, mode), mode);
}

function asImage(embedding: tf.Tensor2D): tf.Tensor4D {
  const [batch, size] = embedding.shape;
  return tf.reshape(embedding, [batch, 1, 1, size]);
}

/** Nearest neighbour, as PyTorch's `interpolate` picks it. */
function resized(x: tf.Tensor4D, side: Side): tf.Tensor4D {
  const [height, width] = typeof side === 'number' ? [side, side] : side;
  const fits = x.shape[1] === height && x.shape[2] === width;
  return fits ? x : tf.image.resizeNearestNeighbor(x, [height, width]);
}
