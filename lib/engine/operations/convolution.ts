import * as tf from '@tensorflow/tfjs';
import { isNative, nativeOperation, storedFloat } from '../native';
import { differentiable, savedTensor } from '../tidy';
import { castTo, inFloatType, plusBias, storedAs } from './activations';
import {
  convolutionGradients,
  type ConvolutionOptions,
  convolvedShape,
  explicitPadding,
  nativePadding,
  oneDnnKernel,
  padSpatially,
} from './convolution-gradients';
import {
  canFuseConvolution,
  fusedConvolution,
  requireResidual,
  withoutImages,
} from './fused-convolution';
import { hasPoints, points } from './points';
import { type ConvolutionGeometry, hasWinograd, winograd } from './winograd';

export type { ConvolutionOptions };

/**
 * Two-dimensional convolution without bias, as PyTorch's `Conv2d` computes it (symmetric padding).
 *
 * @param x input, [batch, height, width, channels], in float32 or bfloat16; the output is of the same type
 * @param weights [kernelHeight, kernelWidth, channels / groups, outputChannels], in float32, as their gradient
 * @returns [batch, ⌊(height + 2·padding − kernelHeight) / stride⌋ + 1, …, outputChannels]
 * @throws LabError of kind `model` when the shapes do not fit.
 */
export function convolution(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  { stride = 1, padding = 0, groups = 1 }: ConvolutionOptions = {},
): tf.Tensor4D {
  convolvedShape(x, weights, { stride, padding, groups });
  if (!isNative()) return plainConvolution(x, weights, { stride, padding, groups });
  // TensorFlow has no grouped convolution in bfloat16 on a CPU. It reads the groups off the filter's depth.
  const inType = groups === 1 || hasPoints({ x, weights }, { stride, padding });
  const input = inType ? x : inFloatType(x, 'float32');
  const output: tf.Tensor4D = tf
    .engine()
    .runKernel(kernelName, { x: input, weights }, { stride, padding });
  return inFloatType(output, storedFloat(x));
}

/** A number for each channel added; the gradient of the bias is float32, as it is. */
export function addBias(x: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  const type = storedFloat(x);
  if (type === 'float32') return tf.add(x, bias);
  const output = differentiable([x, bias], () => ({
    value: plusBias(x, castTo(bias, type)),
    saved: [],
    // Summed up in float32.
    backward: (gradient) => [tf.clone(gradient), tf.sum(gradient, [0, 1, 2])],
  }));
  return output as tf.Tensor4D;
}

/**
 * A convolution as a kind of operation of its own, not a `differentiable` one: its gradient gives each
 * input's share only when it is asked for, and nobody asks for that of a batch of images.
 */
const kernelName = 'NormDirectionConvolution';

tf.registerKernel({
  kernelName,
  backendName: 'tensorflow',
  kernelFunc({ inputs, attrs }) {
    // The one caller gives tensors.
    const x = given(inputs.x) as tf.Tensor4D;
    const weights = given(inputs.weights) as tf.Tensor4D;
    const { stride, padding } = geometryOf(attrs);
    const type = storedFloat(x);
    const filter = storedAs(weights, type);
    const groups = x.shape[3] / weights.shape[2];
    if (hasWinograd('forward', x, weights, { stride, padding })) return winograd(x, filter);
    if (hasPoints({ x, weights }, { stride, padding })) {
      return points(x, filter, groups);
    }
    if (x.shape[0] === 0) {
      return withoutImages(convolvedShape(x, weights, { stride, padding, groups }), type);
    }
    const { attributes, padFirst } = nativePadding(weights, stride, padding, type);
    if (!padFirst) return nativeOperation('Conv2D', attributes, [x, filter]);
    if (x.shape[3] === weights.shape[2] && canFuseConvolution(type)) {
      const padded = [...explicitPadding(stride, padding, type), oneDnnKernel];
      return nativeOperation('_MklNativeConv2D', padded, [x, filter]);
    }
    return nativeOperation('Conv2D', attributes, [padSpatially(x, padding), filter]);
  },
});

tf.registerGradient({
  kernelName,
  inputsToSave: ['x', 'weights'],
  gradFunc(gradient, saved, attrs) {
    const inputs = { x: savedTensor(saved, 0), weights: savedTensor(saved, 1) };
    // One output: the type also knows of kernels with several.
    return { ...convolutionGradients(gradient as tf.Tensor, inputs, geometryOf(attrs)) };
  },
});

function geometryOf({ stride, padding }: tf.NamedAttrMap = {}): ConvolutionGeometry {
  return { stride: Number(stride), padding: Number(padding) };
}

function given(input: tf.TensorInfo | undefined): tf.TensorInfo {
  if (input === undefined) throw new Error('a convolution lacks an input');
  return input;
}

function plainConvolution(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  { stride, padding, groups }: Required<ConvolutionOptions>,
): tf.Tensor4D {
  // tfjs' plain backends take no zero-size padding object, and gradients of numeric padding are exact.
  const one = (input: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D =>
    tf.conv2d(padding > 0 ? padSpatially(input, padding) : input, filter, stride, 'valid');
  if (groups === 1) return one(x, weights);
  const inputs: tf.Tensor4D[] = tf.split(x, groups, 3);
  const filters: tf.Tensor4D[] = tf.split(weights, groups, 3);
  return tf.concat4d(
    filters.map((filter, group) => one(inputs[group] ?? x, filter)),
    3,
  );
}

/**
 * convolution(x) + residual, without bias: the end of a residual block that has no norm there. One pass over
 * memory where the engine has the fused kernel and the padding keeps the image's size; with gradient.
 *
 * @param x [batch, height, width, channels], in float32 or bfloat16, as the residual
 * @param weights [kernelHeight, kernelWidth, channels, outputs], in float32, as their gradient
 * @param residual of the shape of the convolution's output
 * @throws LabError of kind `model` when the shapes do not fit.
 */
export function convolutionSum(
  x: tf.Tensor4D,
  weights: tf.Tensor4D,
  residual: tf.Tensor4D,
  { stride = 1, padding = 0 }: Pick<ConvolutionOptions, 'stride' | 'padding'> = {},
): tf.Tensor4D {
  const type = storedFloat(x);
  const { padFirst } = nativePadding(weights, stride, padding, type);
  const fits = x.shape[3] === weights.shape[2] && storedFloat(residual) === type;
  if (!fits || padFirst || !canFuseConvolution(type)) {
    const convolved = convolution(x, weights, { stride, padding });
    requireResidual(residual, convolved.shape);
    return tf.add(convolved, residual);
  }
  const output = differentiable([x, weights, residual], () => ({
    value: tf.tidy(() =>
      fusedConvolution(
        x,
        {
          weights: storedAs(weights, type) as tf.Tensor4D,
          // The kernel adds nothing else without one.
          bias: storedAs(tf.zeros([weights.shape[3]]), type) as tf.Tensor1D,
        },
        { stride, padding, residual, relu: false },
      ),
    ),
    saved: [x, weights],
    backward: (gradient, saved) => {
      const inputs = { x: savedTensor(saved, 0), weights: savedTensor(saved, 1) };
      const gradients = convolutionGradients(gradient, inputs, { stride, padding });
      return [gradients.x(), gradients.weights(), tf.clone(gradient)];
    },
  }));
  return output as tf.Tensor4D;
}
