import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/operations/activations';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { modelError } from '../errors';
import { doublingConvolutionLayer } from '../nn/blocks';
import {
  batchNormLayer,
  convolutionLayer,
  type ForwardMode,
  type LayerContext,
} from '../nn/layers';
import type { Model } from '../nn/model';
import { ModelState } from '../nn/state';

/** Carry the student's stages to the teacher's numbers of channels. */
export interface Connectors {
  readonly state: ModelState;
  /** @param features of each stage, shallow first */
  forward(features: readonly tf.Tensor4D[], mode: ForwardMode): tf.Tensor4D[];
}

export interface ConnectorOptions {
  /** Channels of each stage, shallow first. */
  readonly studentChannels: readonly number[];
  readonly teacherChannels: readonly number[];
  readonly seed: number;
}

/**
 * OFD's connectors (Heo et al., arXiv 1904.01866): a 1 × 1 convolution without bias and a batch norm for
 * each stage. Names are those of mdistiller's list (`0.0.weight`, `0.1.weight`, …).
 */
export function connectors({
  studentChannels,
  teacherChannels,
  seed,
}: ConnectorOptions): Connectors {
  const state = new ModelState();
  const context = { state, random: random(seed, 'weights', 'connectors') };
  const stages = studentChannels.map((inputs, stage) => {
    const outputs = teacherChannels[stage] ?? 0;
    const convolution = convolutionLayer(context, `${stage}.0`, { inputs, outputs, kernel: 1 });
    const norm = batchNormLayer(context, `${stage}.1`, outputs);
    return (x: tf.Tensor4D, mode: ForwardMode) => norm(convolution(x, mode), mode);
  });
  return {
    state,
    forward: (features, mode) =>
      stages.map((stage, index) => {
        const feature = features[index];
        if (feature === undefined) throw new Error(`no feature of stage ${index}`);
        return stage(feature, mode);
      }),
  };
}

/** Carries a student's feature to the shape of the teacher's. */
export interface Regressor {
  readonly state: ModelState;
  forward(feature: tf.Tensor4D, mode: ForwardMode): tf.Tensor4D;
}

export interface RegressorOptions {
  readonly student: FeatureShape;
  readonly teacher: FeatureShape;
  readonly seed: number;
}

/**
 * The regressor of FitNets in the form of the published comparisons (`ConvReg` of RepDistiller and
 * mdistiller): a convolution, batch norm and ReLU. Sides that must be halved take a 3 × 3 convolution
 * of stride 2, sides that must be doubled a transposed 4 × 4 one, others a convolution without padding
 * (1 × 1 for equal sides). Names are those of `ConvReg` (`conv.weight` … `bn.bias`).
 *
 * @throws LabError when the teacher's sides are larger and not twice the student's.
 */
export function regressor({ student, teacher, seed }: RegressorOptions): Regressor {
  const state = new ModelState();
  const context = { state, random: random(seed, 'weights', 'regressor') };
  const convolution = convolutionBetween(context, student, teacher);
  const norm = batchNormLayer(context, 'bn', teacher.channels);
  return { state, forward: (feature, mode) => relu(norm(convolution(feature, mode), mode)) };
}

function convolutionBetween(
  context: LayerContext,
  student: FeatureShape,
  teacher: FeatureShape,
): ReturnType<typeof convolutionLayer> {
  const channels = { inputs: student.channels, outputs: teacher.channels };
  if (2 * student.side === teacher.side) return doublingConvolutionLayer(context, 'conv', channels);
  if (student.side < teacher.side) {
    throw modelError`FitNet’s regressor cannot carry this feature to the teacher’s size: found sides of ${student.side} and ${teacher.side} for images of 32 × 32. Choose another pair or another hint layer`;
  }
  const window =
    student.side === 2 * teacher.side
      ? { kernel: 3, stride: 2, padding: 1 }
      : { kernel: 1 + student.side - teacher.side };
  return convolutionLayer(context, 'conv', {
    ...channels,
    ...window,
    initialise: 'fan-in',
    bias: true,
  });
}

/** Side and channels of a feature. */
export interface FeatureShape {
  readonly side: number;
  readonly channels: number;
}

/** The shapes of what a model shows, shallow first, as `ModelOutput` has it. */
export interface FeatureShapes {
  readonly features: readonly FeatureShape[];
  readonly preActivations: readonly FeatureShape[];
}

/** Found by a forward pass over one empty image of the size that the model is meant for. */
export function featureShapes(model: Model): FeatureShapes {
  return tidied(() => {
    const output = model.forward(tf.zeros([1, model.inputSize, model.inputSize, 3]), {
      training: false,
    });
    const shapesOf = (maps: readonly tf.Tensor4D[]): FeatureShape[] =>
      maps.map(({ shape: [, side, , channels] }) => ({ side, channels }));
    return {
      features: shapesOf(output.features),
      preActivations: shapesOf(output.preActivations),
    };
  });
}
