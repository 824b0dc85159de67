import * as tf from '@tensorflow/tfjs';
import { uniformFanIn } from './initialise';
import type { Layer4D, LayerContext } from './layers';

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
