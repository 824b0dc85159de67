import * as tf from '@tensorflow/tfjs';
import { batchNormEpsilon } from '../engine/operations/batch-norm';
import { relu as reluOf } from '../engine/operations/relu';
import { normalFanOut, uniformFanIn } from '../nn/initialise';
import {
  batchNormLayer,
  convolutionLayer,
  type ForwardMode,
  type LayerContext,
} from '../nn/layers';
import type { ConvolutionOptions } from '../engine/operations/convolution';
import { convolutionUnit } from './operations/convolution-unit';

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

export interface UnitOptions extends ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
}

/** What follows the norm. `relu6` is min(max(x, 0), 6). */
export interface UnitTail {
  readonly residual?: tf.Tensor4D;
  readonly activation: 'relu' | 'relu6' | 'none';
}

export type Unit = (x: tf.Tensor4D, mode: ForwardMode, tail: UnitTail) => tf.Tensor4D;

/** Convolution without bias, norm, an optional sum and an optional activation. */
export function normalisedUnit(
  context: UnitContext,
  names: { readonly convolution: string; readonly norm: string },
  options: UnitOptions,
): Unit {
  return context.norm === 'frozen'
    ? frozenUnit(context, names, options)
    : batchUnit(context, names, options);
}

/** γ / √(variance + ε) goes into the weights and the rest into a bias: no pass of its own for the norm. */
function frozenUnit(
  { state, random, trainable }: UnitContext,
  names: { readonly convolution: string; readonly norm: string },
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
      ...(residual ? { residual } : {}),
    });
    return activation === 'relu6' ? tf.relu6(output) : output;
  };
}

function batchUnit(
  context: UnitContext,
  names: { readonly convolution: string; readonly norm: string },
  options: UnitOptions,
): Unit {
  const convolution = convolutionLayer(context, names.convolution, options);
  const norm = batchNormLayer(context, names.norm, options.outputs);
  return (x, mode, { residual, activation }) => {
    const normalised = norm(convolution(x, mode), mode);
    const sum: tf.Tensor4D = residual ? tf.add(normalised, residual) : normalised;
    if (activation === 'none') return sum;
    return activation === 'relu' ? reluOf(sum) : tf.relu6(sum);
  };
}

export interface BiasedUnitOptions extends UnitOptions {
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
