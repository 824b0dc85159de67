import * as tf from '@tensorflow/tfjs';
import { type FloatType, gelu, inFloatType } from '../engine/operations/activations';
import { attention, layerNorm } from '../engine/operations/attention';
import { dropPath, type DropPathOptions } from './blocks';
import { type ForwardMode, type LayerContext, linearLayer } from './layers';

/** timm's vision transformers, where PyTorch's own default would be 1e-5. */
const epsilon = 1e-6;

/** On tokens [batch, tokens, size]. */
type TokenLayer = (x: tf.Tensor3D, mode: ForwardMode) => tf.Tensor3D;

/** PyTorch's `LayerNorm(size, eps=1e-6)`: γ = 1, β = 0. */
export function layerNormLayer({ state }: LayerContext, name: string, size: number): TokenLayer {
  const kind = { trainable: true, layout: 'same' } as const;
  const scale = state.add(`${name}.weight`, tf.ones([size]), kind);
  const shift = state.add(`${name}.bias`, tf.zeros([size]), kind);
  return (x) =>
    overRows(x, (rows) =>
      layerNorm(
        rows,
        { scale: scale.value as tf.Tensor1D, shift: shift.value as tf.Tensor1D },
        epsilon,
      ),
    );
}

interface TransformerBlockOptions extends DropPathOptions {
  readonly size: number;
  readonly heads: number;
}

/** Times the size: the width between a block's last two linear layers. */
const expansion = 4;

/**
 * timm's `Block`: x + attention(norm1(x)), then x + fc2(GELU(fc1(norm2(x)))); both sums with stochastic
 * depth. Linear layers are drawn from N(0, 0.02²) with a bias of 0. Attention and the branches' linear layers are in
 * the given type; norms and sums in float32, as PyTorch's autocast has them.
 */
export function transformerBlock(
  context: LayerContext,
  name: string,
  { size, heads, probability }: TransformerBlockOptions,
): (x: tf.Tensor3D, mode: ForwardMode, type: FloatType) => tf.Tensor3D {
  const linear = (part: string, inputs: number, outputs: number): TokenLayer =>
    tokenLinearLayer(context, `${name}.${part}`, { inputs, outputs });
  const norm1 = layerNormLayer(context, `${name}.norm1`, size);
  const joined = linear('attn.qkv', size, 3 * size);
  const projection = linear('attn.proj', size, size);
  const norm2 = layerNormLayer(context, `${name}.norm2`, size);
  const widen = linear('mlp.fc1', size, expansion * size);
  const narrow = linear('mlp.fc2', expansion * size, size);
  return (x, mode, type) => {
    const normalised = inFloatType(norm1(x, mode), type);
    const mixed = projection(attention(joined(normalised, mode), heads), mode);
    const attended = plus(x, mixed, mode);
    const wide = widen(inFloatType(norm2(attended, mode), type), mode);
    return plus(attended, narrow(gelu(wide), mode), mode);
  };

  function plus(sum: tf.Tensor3D, branch: tf.Tensor3D, mode: ForwardMode): tf.Tensor3D {
    return tf.add(sum, dropPath(inFloatType(branch, 'float32'), { probability }, mode));
  }
}

function tokenLinearLayer(
  context: LayerContext,
  name: string,
  shape: { readonly inputs: number; readonly outputs: number },
): TokenLayer {
  const linear = linearLayer(context, name, { ...shape, initialise: 'token-normal' });
  return (x, mode) => overRows(x, (rows) => linear(rows, mode));
}

/** Every token by itself: batch and tokens become one axis and two again. */
function overRows(x: tf.Tensor3D, layer: (rows: tf.Tensor2D) => tf.Tensor2D): tf.Tensor3D {
  const [batch, tokens, size] = x.shape;
  const rows = layer(tf.reshape(x, [batch * tokens, size]));
  return tf.reshape(rows, [batch, tokens, rows.shape[1]]);
}
