import * as tf from '@tensorflow/tfjs';
import { storedFloat } from '../engine/native';
import { batchNormEpsilon } from '../engine/operations/batch-norm';
import { type FloatType, inFloatType } from '../engine/operations/cast';
import {
  canFuseConvolution,
  type FoldedConvolution,
  fusedConvolution,
} from '../engine/operations/fused-convolution';
import {
  batchNormLayer,
  convolutionLayer,
  type ConvolutionLayerOptions,
  type ForwardMode,
  type LayerContext,
} from './layers';
import type { StateTensor } from './state';

/** What follows the norm. */
export interface ConvolutionNormTail {
  /** Added after the norm. */
  readonly residual?: tf.Tensor4D;
  readonly relu: boolean;
}

export type ConvolutionNorm = (
  x: tf.Tensor4D,
  mode: ForwardMode,
  tail: ConvolutionNormTail,
) => tf.Tensor4D;

/**
 * Convolution, batch norm, an optional sum and an optional ReLU as one unit, `names.convolution` and
 * `names.norm` in the state dict. In evaluation without a tape the norm is folded into the weights and
 * the unit is one operation, where the engine has it.
 */
export function convolutionNormLayer(
  context: LayerContext,
  names: { readonly convolution: string; readonly norm: string },
  options: ConvolutionLayerOptions,
): ConvolutionNorm {
  const convolution = convolutionLayer(context, names.convolution, options);
  const norm = batchNormLayer(context, names.norm, options.outputs);
  // The fused kernel takes no groups.
  const { groups = 1, bias = false } = options;
  const folded = foldedWeights(context, names, { bias: bias !== false });
  return (x, mode, { residual, relu }) => {
    if (mode.training) folded.clear();
    else if (
      !mode.batchStatistics &&
      groups === 1 &&
      canFuseConvolution() &&
      !tf.engine().isTapeOn()
    ) {
      return fusedConvolution(x, folded.get(storedFloat(x)), {
        ...options,
        relu,
        ...(residual ? { residual } : {}),
      });
    }
    return norm(convolution(x, mode), mode, { relu, ...(residual ? { residual } : {}) });
  };
}

/** The folded weights of a unit, made when first needed and again when a tensor was replaced. */
function foldedWeights(
  { state }: LayerContext,
  names: { readonly convolution: string; readonly norm: string },
  { bias }: { bias: boolean },
): { get(type: FloatType): FoldedConvolution; clear(): void } {
  const sources: UnitTensors = [
    state.tensor(`${names.convolution}.weight`),
    state.tensor(`${names.norm}.weight`),
    state.tensor(`${names.norm}.bias`),
    state.tensor(`${names.norm}.running_mean`),
    state.tensor(`${names.norm}.running_var`),
    ...(bias ? [state.tensor(`${names.convolution}.bias`)] : []),
  ];
  let made:
    | (FoldedConvolution & { readonly from: readonly tf.Tensor[]; readonly type: FloatType })
    | undefined;
  const clear = (): void => {
    made?.weights.dispose();
    made?.bias.dispose();
    made = undefined;
  };
  state.onFreeDerived(clear);
  return {
    clear,
    get(type) {
      const from = sources.map(({ value }) => value);
      if (made?.type === type && made.from.every((tensor, index) => tensor === from[index])) {
        return made;
      }
      clear();
      made = { ...fold(sources, type), from, type };
      return made;
    },
  };
}

/** Weights, γ, β, running mean and variance, and the convolution's own bias where it has one. */
type UnitTensors = readonly [
  StateTensor,
  StateTensor,
  StateTensor,
  StateTensor,
  StateTensor,
  ...StateTensor[],
];

/** w' = w · γ / √(variance + ε), b' = β − (mean − b) · γ / √(variance + ε). */
function fold(
  [weights, scale, shift, mean, variance, bias]: UnitTensors,
  type: FloatType,
): FoldedConvolution {
  return tf.tidy(() => {
    const factor = tf.div(scale.value, tf.sqrt(tf.add(variance.value, batchNormEpsilon)));
    const centre = bias === undefined ? mean.value : tf.sub(mean.value, bias.value);
    return {
      weights: tf.keep(inFloatType(tf.mul<tf.Tensor4D>(weights.value, factor), type)),
      bias: tf.keep(inFloatType(tf.sub<tf.Tensor1D>(shift.value, tf.mul(centre, factor)), type)),
    };
  });
}
