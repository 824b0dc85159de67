import * as tf from '@tensorflow/tfjs';
import {
  batchNormEvaluation,
  batchNormMomentum,
  batchNormTraining,
  type NormTail,
  type RunningStatistics,
} from '../engine/operations/batch-norm';
import {
  addBias,
  convolution,
  type ConvolutionOptions,
  convolutionSum,
} from '../engine/operations/convolution';
import { linear } from '../engine/operations/linear';
import type { Random } from '../engine/random';
import { optionError } from '../errors';
import type { ModelState, StateTensor } from './state';

/** N(0, 2 / fanOut): `kaiming_normal_(mode='fan_out', nonlinearity='relu')`, as mdistiller's models. */
export function normalFanOut(shape: number[], fanOut: number, random: Random): tf.Tensor {
  return normal(shape, Math.sqrt(2 / fanOut), random);
}

/** N(0, deviation²) */
export function normal(shape: number[], deviation: number, random: Random): tf.Tensor {
  return drawn(shape, () => deviation * random.normal());
}

/** U(−1/√fanIn, 1/√fanIn): what PyTorch's `Linear` starts from, weights and bias alike. */
export function uniformFanIn(shape: number[], fanIn: number, random: Random): tf.Tensor {
  const bound = 1 / Math.sqrt(fanIn);
  return drawn(shape, () => bound * (2 * random.uniform() - 1));
}

function drawn(shape: number[], draw: () => number): tf.Tensor {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = new Float32Array(size);
  // For many millions of weights three times as fast as `Float32Array.from`.
  for (let at = 0; at < size; at++) values[at] = draw();
  return tf.tensor(values, shape);
}

/** Numbers that are drawn anew in each pass. */
export interface DrawnNumbers {
  readonly shape: number[];
  readonly from: (random: Random) => Float32Array;
}

/** @throws LabError of kind `option` without `random`. */
export function drawnTensor({ shape, from }: DrawnNumbers, random: Random | undefined): tf.Tensor {
  if (random === undefined) {
    throw optionError`stochastic depth needs random numbers in training. Give \`random\` in the forward mode, or create the model with dropPath 0`;
  }
  return tf.tensor(from(random), shape);
}

/** Whether a forward pass trains, and where stochastic depth draws from. */
export interface ForwardMode {
  readonly training: boolean;
  /** Whether batch norms take the batch's statistics out of training too; their running ones stay. */
  readonly batchStatistics?: boolean;
  /** Needed in training by models with stochastic depth. */
  readonly random?: Random;
  /** Gives numbers that are drawn in the pass as a tensor; at once and from `random` by default. */
  readonly draw?: (numbers: DrawnNumbers) => tf.Tensor;
  /** Whether the output's `features` will be read, as by default. */
  readonly features?: boolean;
  /**
   * Whether the output's `preActivations` will be read, as by default. Where not, a model may leave them out and
   * compute the ReLU that follows them together with what comes before it.
   */
  readonly preActivations?: boolean;
  /** Whether norms that the published model calls twice count twice (`BatchNormLayerOptions`), as by default. */
  readonly repeatedNorms?: boolean;
  /** Parts of the batch of which batch norms take its statistics apart, where they do (`inReplicas`); 1 by default. */
  readonly replicas?: number;
  /** Whether running statistics move in training, as by default. */
  readonly moving?: boolean;
}

/** Where a layer's tensors go, and where their first values are drawn from. */
export interface LayerContext {
  readonly state: ModelState;
  readonly random: Random;
  /** How all linear layers begin, in the place of what the architecture says. */
  readonly linearStart?: LinearStart;
}

export interface ConvolutionLayerOptions extends ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  /** How the first weights are drawn; as most of mdistiller's models by default. */
  readonly initialise?: ConvolutionInitialisation;
  /** A bias for each output, `name.bias`, drawn as PyTorch does or 0 at first; none by default. */
  readonly bias?: boolean | 'zero';
}

/**
 * `fan-out`: N(0, 2 / (kernel² · outputs / groups)); `all-outputs`: N(0, 2 / (kernel² · outputs));
 * `fan-in`: U(±1 / √(kernel² · inputs / groups)), PyTorch's default; `wide-fan-in`: √3 times as wide.
 */
type ConvolutionInitialisation = 'fan-out' | 'all-outputs' | 'fan-in' | 'wide-fan-in';

/** How often PyTorch's module is called in a forward pass. */
interface BatchNormLayerOptions {
  /** 2 where a model normalises the same tensor twice, whose running statistics then move twice. */
  readonly calls?: number;
}

export type Layer4D = (x: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D;
/** A norm, and what follows it in the same operation. */
export type NormLayer4D = (x: tf.Tensor4D, mode: ForwardMode, tail?: NormTail) => tf.Tensor4D;
export type Layer2D = (x: tf.Tensor2D, mode: ForwardMode) => tf.Tensor2D;

/** PyTorch's `Conv2d`, `name.weight` and, where asked for, `name.bias`. */
export function convolutionLayer(
  context: LayerContext,
  name: string,
  options: ConvolutionLayerOptions,
): Layer4D {
  const { state, random } = context;
  const { stride = 1, padding = 0, groups = 1 } = options;
  const weights = addWeights(context, name, options);
  const bias = options.bias
    ? state.add(`${name}.bias`, firstBias(options, random), { trainable: true, layout: 'same' })
    : undefined;
  return (x) => {
    const output = convolution(x, weights.value as tf.Tensor4D, { stride, padding, groups });
    return bias ? addBias(output, bias.value as tf.Tensor1D) : output;
  };
}

/** A convolution without bias or groups whose output is added to another tensor of its shape. */
type ConvolutionSumLayer = (x: tf.Tensor4D, residual: tf.Tensor4D) => tf.Tensor4D;

/** The convolution `name` of the state dict, with a sum after it in the same pass where the engine can. */
export function convolutionSumLayer(
  context: LayerContext,
  name: string,
  options: Omit<ConvolutionLayerOptions, 'bias' | 'groups'>,
): ConvolutionSumLayer {
  const { stride = 1, padding = 0 } = options;
  const weights = addWeights(context, name, options);
  return (x, residual) =>
    convolutionSum(x, weights.value as tf.Tensor4D, residual, { stride, padding });
}

function addWeights(
  { state, random }: LayerContext,
  name: string,
  options: ConvolutionLayerOptions,
): StateTensor {
  return state.add(`${name}.weight`, firstWeights(options, random), {
    trainable: true,
    layout: 'convolution',
  });
}

function firstWeights(
  { inputs, outputs, kernel, groups = 1, initialise = 'fan-out' }: ConvolutionLayerOptions,
  random: Random,
): tf.Tensor {
  const shape = [kernel, kernel, inputs / groups, outputs];
  const cells = kernel * kernel;
  switch (initialise) {
    case 'fan-out':
      return normalFanOut(shape, (outputs / groups) * cells, random);
    case 'all-outputs':
      return normalFanOut(shape, outputs * cells, random);
    case 'fan-in':
      return uniformFanIn(shape, (inputs / groups) * cells, random);
    case 'wide-fan-in':
      return uniformFanIn(shape, ((inputs / groups) * cells) / 3, random);
  }
}

function firstBias(
  { inputs, outputs, kernel, groups = 1, bias }: ConvolutionLayerOptions,
  random: Random,
): tf.Tensor {
  return bias === 'zero'
    ? tf.zeros([outputs])
    : uniformFanIn([outputs], (inputs / groups) * kernel ** 2, random);
}

/** PyTorch's `BatchNorm2d`: γ = 1, β = 0, running mean 0 and variance 1, and its counter. */
export function batchNormLayer(
  { state }: LayerContext,
  name: string,
  channels: number,
  { calls = 1 }: BatchNormLayerOptions = {},
): NormLayer4D {
  const kind = { trainable: true, layout: 'same', ofNorm: true } as const;
  const scale = state.add(`${name}.weight`, tf.ones([channels]), kind);
  const shift = state.add(`${name}.bias`, tf.zeros([channels]), kind);
  const mean = state.add(`${name}.running_mean`, tf.zeros([channels]), {
    trainable: false,
    layout: 'same',
  });
  const variance = state.add(`${name}.running_var`, tf.ones([channels]), {
    trainable: false,
    layout: 'same',
  });
  const counter = state.addCounter(`${name}.num_batches_tracked`);
  return (x, mode, tail = {}) => {
    const { training, batchStatistics = false, repeatedNorms = true, moving = true } = mode;
    const weights = { scale: scale.value as tf.Tensor1D, shift: shift.value as tf.Tensor1D };
    const running: RunningStatistics = {
      mean: mean.value as tf.Tensor1D,
      variance: variance.value as tf.Tensor1D,
    };
    if (!training && !batchStatistics) return batchNormEvaluation(x, weights, running, tail);
    const times = repeatedNorms ? calls : 1;
    // Moving by 0.1 twice towards the same value is moving by 1 − 0.9² once.
    const momentum = 1 - (1 - batchNormMomentum) ** times;
    const result = batchNormTraining(x, weights, running, { momentum, ...tail });
    if (!training || !moving) {
      tf.dispose([result.running.mean, result.running.variance]);
      return result.output;
    }
    mean.replace(result.running.mean);
    variance.replace(result.running.variance);
    counter.increment(times);
    return result.output;
  };
}

/** PyTorch's `BatchNorm1d` on [batch, channels]. */
export function batchNorm1dLayer(context: LayerContext, name: string, channels: number): Layer2D {
  const norm = batchNormLayer(context, name, channels);
  return (x, mode) => {
    const [batch] = x.shape;
    return tf.reshape(norm(tf.reshape(x, [batch, 1, 1, channels]), mode), [batch, channels]);
  };
}

/** Standard deviations of weights; those of the biases are 0 but for `normal`. */
const deviations = { normal: 0.01, 'small-normal': 0.01, 'token-normal': 0.02 } as const;

export const linearStarts = [
  'fan-in',
  'fan-in-weight',
  'normal',
  'small-normal',
  'token-normal',
] as const;

/**
 * `fan-in`: weights and bias as PyTorch draws them; `fan-in-weight`: the weights alone, a bias of 0; `normal`:
 * both N(0, 0.01²); `small-normal`: N(0, 0.01²) and a bias of 0; `token-normal`: N(0, 0.02²) and a bias of 0,
 * as timm's vision transformers.
 */
export type LinearStart = (typeof linearStarts)[number];

interface LinearLayerOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** `fan-in` by default. */
  readonly initialise?: LinearStart;
}

/** PyTorch's `Linear`, `name.weight` [outputs, inputs] and `name.bias`. */
export function linearLayer(
  { state, random, linearStart }: LayerContext,
  name: string,
  { inputs, outputs, initialise = 'fan-in' }: LinearLayerOptions,
): Layer2D {
  const kind = { trainable: true, layout: 'same' } as const;
  const start = linearStart ?? initialise;
  const draw = (shape: number[]): tf.Tensor =>
    start === 'fan-in' || start === 'fan-in-weight'
      ? uniformFanIn(shape, inputs, random)
      : normal(shape, deviations[start], random);
  const weights = state.add(`${name}.weight`, draw([outputs, inputs]), kind);
  const drawnBias = start === 'fan-in' || start === 'normal';
  const bias = state.add(`${name}.bias`, drawnBias ? draw([outputs]) : tf.zeros([outputs]), kind);
  return (x) => linear(x, weights.value as tf.Tensor2D, bias.value as tf.Tensor1D);
}
