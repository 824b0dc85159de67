import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../differentiable';
import { storedFloat } from '../native';
import { storedAs } from './cast';
import { convolution, type ConvolutionOptions } from './convolution';
import { convolutionGradients } from './convolution-gradients';
import { nativePadding } from './convolution-padding';
import { canFuseConvolution, fusedConvolution } from './fused-convolution';

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
  if (!fits || padFirst || !canFuseConvolution()) {
    return tf.add(convolution(x, weights, { stride, padding }), residual);
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
