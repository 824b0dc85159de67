import * as tf from '@tensorflow/tfjs';
import { globalAveragePool } from '../engine/operations/pooling';
import { relu } from '../engine/operations/relu';
import { convolutionLayer, type Layer4D, type LayerContext } from './layers';

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
    return tf.mul(x, tf.sigmoid(excite(relu(squeeze(mean, mode)), mode)));
  };
}
