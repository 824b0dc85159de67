import * as tf from '@tensorflow/tfjs';
import {
  batchNormEvaluation,
  batchNormTraining,
  type RunningStatistics,
} from '../engine/operations/batch-norm';
import { convolution, type ConvolutionOptions } from '../engine/operations/convolution';
import { linear } from '../engine/operations/linear';
import type { Random } from '../engine/random';
import { kaimingNormalFanOut, uniformFanIn } from './initialise';
import type { ModelState } from './state';

/** Whether a forward pass trains, and where dropout draws from. */
export interface ForwardMode {
  readonly training: boolean;
  /** Needed in training by models with dropout. */
  readonly random?: Random;
}

/** Where a layer's tensors go, and where their first values are drawn from. */
export interface LayerContext {
  readonly state: ModelState;
  readonly random: Random;
}

export interface ConvolutionLayerOptions extends ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
}

export type Layer4D = (x: tf.Tensor4D, mode: ForwardMode) => tf.Tensor4D;
export type Layer2D = (x: tf.Tensor2D, mode: ForwardMode) => tf.Tensor2D;

/** PyTorch's `Conv2d(bias=False)`, `name.weight`, drawn from N(0, 2 / (outputs · kernel²)). */
export function convolutionLayer(
  { state, random }: LayerContext,
  name: string,
  { inputs, outputs, kernel, stride = 1, padding = 0, groups = 1 }: ConvolutionLayerOptions,
): Layer4D {
  const shape: [number, number, number, number] = [kernel, kernel, inputs / groups, outputs];
  const weights = state.add(
    `${name}.weight`,
    kaimingNormalFanOut(shape, (outputs / groups) * kernel * kernel, random),
    { trainable: true, layout: 'convolution' },
  );
  return (x) => convolution(x, weights.value as tf.Tensor4D, { stride, padding, groups });
}

/** PyTorch's `BatchNorm2d`: γ = 1, β = 0, running mean 0 and variance 1, and its counter. */
export function batchNormLayer({ state }: LayerContext, name: string, channels: number): Layer4D {
  const scale = state.add(`${name}.weight`, tf.ones([channels]), {
    trainable: true,
    layout: 'same',
  });
  const shift = state.add(`${name}.bias`, tf.zeros([channels]), {
    trainable: true,
    layout: 'same',
  });
  const mean = state.add(`${name}.running_mean`, tf.zeros([channels]), {
    trainable: false,
    layout: 'same',
  });
  const variance = state.add(`${name}.running_var`, tf.ones([channels]), {
    trainable: false,
    layout: 'same',
  });
  const counter = state.addCounter(`${name}.num_batches_tracked`);
  return (x, { training }) => {
    const weights = { scale: scale.value as tf.Tensor1D, shift: shift.value as tf.Tensor1D };
    const running: RunningStatistics = {
      mean: mean.value as tf.Tensor1D,
      variance: variance.value as tf.Tensor1D,
    };
    if (!training) return batchNormEvaluation(x, weights, running);
    const result = batchNormTraining(x, weights, running);
    mean.replace(result.running.mean);
    variance.replace(result.running.variance);
    counter.increment();
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

/** PyTorch's `Linear`, `name.weight` [outputs, inputs] and `name.bias`, drawn as PyTorch does. */
export function linearLayer(
  { state, random }: LayerContext,
  name: string,
  { inputs, outputs }: { inputs: number; outputs: number },
): Layer2D {
  const kind = { trainable: true, layout: 'same' } as const;
  const weights = state.add(
    `${name}.weight`,
    uniformFanIn([outputs, inputs], inputs, random),
    kind,
  );
  const bias = state.add(`${name}.bias`, uniformFanIn([outputs], inputs, random), kind);
  return (x) => linear(x, weights.value as tf.Tensor2D, bias.value as tf.Tensor1D);
}
