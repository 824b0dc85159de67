import * as tf from '@tensorflow/tfjs';
import { nativeOperation, storedFloat, typeAttribute } from '../engine/native';
import { relu as reluOf, storedAs } from '../engine/operations/activations';
import { addBias, convolution, type ConvolutionOptions } from '../engine/operations/convolution';
import { convolutionGradients } from '../engine/operations/convolution-gradients';
import {
  canFuseConvolution,
  fusedConvolution,
  requireResidual,
} from '../engine/operations/fused-convolution';
import { savedTensor } from '../engine/tidy';

interface ConvolutionUnitOptions extends ConvolutionOptions {
  /** Added before ReLU. */
  readonly residual?: tf.Tensor4D;
  readonly relu: boolean;
}

/**
 * relu?(convolution(x) + bias + residual?), differentiable by all four. Where the engine has the fused
 * kernel it is one pass over memory, on a tape too.
 *
 * @param x [batch, height, width, channels], in float32 or bfloat16, as the residual and the output
 * @param weights [kernelHeight, kernelWidth, channels / groups, outputs], in float32, as their gradient
 * @param bias [outputs], in float32, as its gradient
 * @throws LabError of kind `model` when the shapes do not fit.
 */
export function convolutionUnit(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  bias: tf.Tensor1D,
  options: ConvolutionUnitOptions,
): tf.Tensor4D {
  const { groups = 1, residual, relu } = options;
  if (groups === 1 && canFuseConvolution(storedFloat(x))) return fused(x, weights, bias, options);
  const shifted = addBias(convolution(x, weights, options), bias);
  if (residual) requireResidual(residual, shifted.shape);
  const sum: tf.Tensor4D = residual ? tf.add(shifted, residual) : shifted;
  return relu ? reluOf(sum) : sum;
}

function fused(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  bias: tf.Tensor1D,
  { stride = 1, padding = 0, residual, relu }: ConvolutionUnitOptions,
): tf.Tensor4D {
  const inputs = { x, weights, bias, ...(residual ? { residual } : {}) };
  return tf.engine().runKernel(kernelName, inputs, { stride, padding, relu });
}

/**
 * A kind of operation of its own, not a `differentiable` one: its gradient gives each input's share only
 * when it is asked for, and nobody asks for those of a frozen norm's shift or of a frozen stage.
 */
const kernelName = 'NormDirectionConvolutionUnit';

tf.registerKernel({
  kernelName,
  backendName: 'tensorflow',
  // tfjs hands over the very tensors that `fused` gave it, under the type of their common description.
  kernelFunc: ({ inputs, attrs }) => {
    const { x, weights, bias, residual } = inputs as Partial<UnitInputs>;
    if (!x || !weights || !bias) throw new Error('a convolution lacks an input');
    const type = storedFloat(x);
    return fusedConvolution(
      x,
      {
        weights: storedAs(weights, type) as tf.Tensor4D,
        bias: storedAs(bias, type) as tf.Tensor1D,
      },
      { ...optionsOf(attrs), ...(residual ? { residual } : {}) },
    );
  },
});

interface UnitInputs {
  readonly x: tf.Tensor4D;
  readonly weights: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
  readonly residual: tf.Tensor4D;
}

tf.registerGradient({
  kernelName,
  inputsToSave: ['x', 'weights'],
  outputsToSave: [true],
  gradFunc(gradient, saved, attrs) {
    const options = optionsOf(attrs);
    const [x, weights, output] = [0, 1, 2].map((index) => savedTensor(saved, index));
    if (!x || !weights || !output) throw new Error('a convolution saved too little');
    // One output: the type also knows of kernels with several.
    const of = gradient as tf.Tensor;
    const before = options.relu ? beforeRelu(of, output) : of;
    return {
      ...convolutionGradients(before, { x, weights }, options),
      bias: () => tf.sum(before, [0, 1, 2]),
      // A tensor of its own: the tape disposes of what it adds up.
      residual: () => tf.clone(before),
    };
  },
});

function optionsOf({ stride, padding, relu }: tf.NamedAttrMap = {}): {
  stride: number;
  padding: number;
  relu: boolean;
} {
  return { stride: Number(stride), padding: Number(padding), relu: relu === true };
}

function beforeRelu(gradient: tf.Tensor, output: tf.Tensor): tf.Tensor {
  return nativeOperation('ReluGrad', [typeAttribute('T', storedFloat(output))], [gradient, output]);
}
