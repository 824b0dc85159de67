import type * as tf from '@tensorflow/tfjs';
import { random } from '../engine/random';
import { relu } from '../engine/operations/relu';
import { LabError } from '../errors';
import {
  batchNormLayer,
  convolutionLayer,
  type ForwardMode,
  type LayerContext,
} from '../nn/layers';
import { ModelState } from '../nn/state';
import { doublingConvolutionLayer } from '../nn/transposed-convolution';
import type { FeatureShape } from './feature-shapes';

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
    throw new LabError({
      kind: 'model',
      what: 'FitNet’s regressor cannot carry this feature to the teacher’s size',
      found: `sides of ${student.side} and ${teacher.side} for images of 32 × 32`,
      remedy: 'Choose another pair or another hint layer',
    });
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
