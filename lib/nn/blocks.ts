import * as tf from '@tensorflow/tfjs';
import { storedFloat } from '../engine/native';
import { type FloatType, inFloatType, relu, scaled } from '../engine/operations/activations';
import { batchNormEpsilon } from '../engine/operations/batch-norm';
import {
  canFuse,
  type FoldedConvolution,
  fusedConvolution,
} from '../engine/operations/fused-convolution';
import { globalAveragePool } from '../engine/operations/pooling';
import {
  batchNormLayer,
  convolutionLayer,
  type ConvolutionLayerOptions,
  type DrawnNumbers,
  drawnTensor,
  type ForwardMode,
  type Layer4D,
  type LayerContext,
  uniformFanIn,
} from './layers';
import type { StateTensor } from './state';

/** What follows the norm. */
interface ConvolutionNormTail {
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
  const weights = context.state.tensor(`${names.convolution}.weight`);
  const { bias = false } = options;
  const folded = foldedWeights(context, names, { bias: bias !== false });
  return (x, mode, { residual, relu }) => {
    if (mode.training) folded.clear();
    else if (
      !mode.batchStatistics &&
      canFuse(x, weights.value as tf.Tensor4D, options) &&
      !tf.engine().isTapeOn()
    ) {
      return fusedConvolution(x, folded.get(storedFloat(x)), {
        ...options,
        relu,
        residual,
      });
    }
    return norm(convolution(x, mode), mode, { relu, residual });
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

/**
 * timm's `SqueezeExcite` (Hu et al., arXiv 1709.01507): each channel times sigmoid(fc2(relu(fc1(mean over the
 * image)))), `name.fc1` and `name.fc2` being 1 × 1 convolutions with a bias.
 */
export function squeezeExciteLayer(
  context: LayerContext,
  name: string,
  { channels, reduced }: { readonly channels: number; readonly reduced: number },
): Layer4D {
  const one = { kernel: 1, bias: 'zero' } as const;
  const squeeze = convolutionLayer(context, `${name}.fc1`, {
    inputs: channels,
    outputs: reduced,
    ...one,
  });
  const excite = convolutionLayer(context, `${name}.fc2`, {
    inputs: reduced,
    outputs: channels,
    ...one,
  });
  return (x, mode) => {
    const [batch] = x.shape;
    const mean = tf.reshape(globalAveragePool(x), [batch, 1, 1, channels]) as tf.Tensor4D;
    return scaled(x, tf.sigmoid(excite(relu(squeeze(mean, mode)), mode)));
  };
}

/**
 * ShuffleNet's channel shuffle: channels lie as [groups, channels / groups] and are read the other way
 * round, so that the next grouped convolution sees every group.
 */
export function channelShuffle(x: tf.Tensor4D, groups: number): tf.Tensor4D {
  if (groups === 1) return x;
  const [batch, height, width, channels] = x.shape;
  const grouped = tf.reshape(x, [batch, height, width, groups, channels / groups]);
  return tf.reshape(tf.transpose(grouped, [0, 1, 2, 4, 3]), [batch, height, width, channels]);
}

/** Of the one form that is used here: it doubles the sides exactly. */
const kernel = 4;
const stride = 2;

/**
 * PyTorch's `ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)`, which doubles the
 * sides: `name.weight` [inputs, outputs, 4, 4] and `name.bias`, both drawn as PyTorch does.
 */
export function doublingConvolutionLayer(
  { state, random }: LayerContext,
  name: string,
  { inputs, outputs }: { inputs: number; outputs: number },
): Layer4D {
  // PyTorch reads the fan-in off the second axis of the weights, which here counts the outputs.
  const fanIn = outputs * kernel ** 2;
  const weights = state.add(
    `${name}.weight`,
    uniformFanIn([kernel, kernel, outputs, inputs], fanIn, random),
    { trainable: true, layout: 'convolution' },
  );
  const bias = state.add(`${name}.bias`, uniformFanIn([outputs], fanIn, random), {
    trainable: true,
    layout: 'same',
  });
  return (x) => {
    const [batch, height, width] = x.shape;
    const output: [number, number, number, number] = [
      batch,
      stride * height,
      stride * width,
      outputs,
    ];
    // The convolution that halves these sides pads 1 cell on each, which is what SAME means for it.
    const doubled = tf.conv2dTranspose(x, weights.value as tf.Tensor4D, output, stride, 'same');
    return tf.add(doubled, bias.value);
  };
}

export interface DropPathOptions {
  /** With which a sample's branch is left out in training; 0 is never. */
  readonly probability: number;
}

/**
 * Stochastic depth (Huang et al., arXiv 1603.09382) in timm's form: in training, each sample's branch is 0
 * with the given probability and else scaled by 1 / (1 − probability). One draw a sample, in their order.
 *
 * @param x a residual branch, [batch, …]
 * @throws LabError of kind `option` in training without `random`.
 */
export function dropPath<T extends tf.Tensor>(
  x: T,
  { probability }: DropPathOptions,
  { training, random, draw }: ForwardMode,
): T {
  if (!training || probability === 0) return x;
  const [batch = 0, ...others] = x.shape;
  const kept = 1 / (1 - probability);
  const factors: DrawnNumbers = {
    shape: [batch, ...others.map(() => 1)],
    from: (source) =>
      Float32Array.from({ length: batch }, () => (source.uniform() < probability ? 0 : kept)),
  };
  return scaled(x, draw ? draw(factors) : drawnTensor(factors, random));
}

/** timm's rule: the probabilities of `count` blocks rise evenly from 0 to the last one's. */
export function dropPathProbabilities(count: number, last: number): number[] {
  return Array.from({ length: count }, (_, index) =>
    count === 1 ? 0 : (last * index) / (count - 1),
  );
}
