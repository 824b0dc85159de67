import * as tf from '@tensorflow/tfjs';
import {
  boolAttribute,
  hasOwnOperations,
  isNative,
  nativeOperation,
  storedFloat,
  stringAttribute,
  typeAttribute,
} from '../native';
import type { Random } from '../random';
import { differentiable, savedTensor } from '../tidy';

/** max(x, 0), with gradient 0 at x = 0 as in PyTorch. Any shape. */
export function relu<T extends tf.Tensor>(x: T): T {
  return isNative() ? rectified(x, 'Relu') : tf.relu(x);
}

/** min(max(x, 0), 6), with gradient 0 at both ends as in PyTorch. Any shape, in float32 or bfloat16 as the output. */
export function relu6<T extends tf.Tensor>(x: T): T {
  if (isNative()) return rectified(x, 'Relu6');
  // TensorFlow.js' own gradient is 1 at 6.
  const output = differentiable([x], () => ({
    value: tf.relu6(x),
    saved: [x],
    backward: (gradient, saved) => {
      const input = savedTensor(saved, 0);
      const between = tf.logicalAnd(tf.greater(input, 0), tf.less(input, 6));
      return [tf.mul(gradient, tf.cast(between, 'float32'))];
    },
  }));
  return output as T;
}

/** A rectifier of TensorFlow's, whose gradient is one pass over the output; of tfjs' it is a step and a product. */
function rectified<T extends tf.Tensor>(x: T, operation: 'Relu' | 'Relu6'): T {
  const attributes = [typeAttribute('T', storedFloat(x))];
  const output = differentiable([x], () => {
    const value = nativeOperation(operation, attributes, [x]);
    return {
      value,
      saved: [value],
      backward: (gradient, saved) => [
        nativeOperation(`${operation}Grad`, attributes, [gradient, savedTensor(saved, 0)]),
      ],
    };
  });
  return output as T;
}

/**
 * x · Φ(x) with the normal distribution's Φ(x) = (1 + erf(x / √2)) / 2, as PyTorch's `GELU()`. Any shape.
 *
 * @param x in float32 or bfloat16; the output is of the same type, computed in float32
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  const type = storedFloat(x);
  const own = hasOwnOperations();
  if (!own && type === 'bfloat16') return inFloatType(gelu(inFloatType(x, 'float32')), type);
  const attributes = [typeAttribute('T', type)];
  const output = differentiable([x], () => ({
    value: own ? nativeOperation('NormDirectionGelu', attributes, [x]) : tf.mul(x, below(x)),
    // Φ is computed again on the way back: kept, it would be a third tensor of the widest size.
    saved: [x],
    backward: (gradient, saved) => {
      const input = savedTensor(saved, 0);
      if (own) return [nativeOperation('NormDirectionGeluGrad', attributes, [gradient, input])];
      const density = tf.mul(tf.exp(tf.mul(tf.square(input), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return [tf.mul(gradient, tf.add(below(input), tf.mul(input, density)))];
    },
  }));
  return output as T;
}

/** Φ(x) */
function below(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
}

/**
 * Zeroes each entry with the given probability and scales the others by 1 / (1 − probability), as
 * PyTorch's `Dropout` in training. The mask is drawn from the given generator, so that it is the same
 * on every engine.
 */
export function dropout<T extends tf.Tensor>(x: T, probability: number, random: Random): T {
  if (probability === 0) return x;
  const scale = 1 / (1 - probability);
  const mask = Float32Array.from({ length: x.size }, () =>
    random.uniform() < probability ? 0 : scale,
  );
  return tf.mul(x, tf.tensor(mask, x.shape));
}

/** The numbers that networks compute in. */
export type FloatType = 'float32' | 'bfloat16';

/**
 * The tensor with its numbers in this type, itself where they are. In bfloat16 they keep 8 bits of the
 * mantissa (round to nearest); every operation that follows computes on what it is given. The gradient comes
 * back in the tensor's own type.
 *
 * @throws Error for bfloat16 on TensorFlow.js' plain backend, which has no such numbers.
 */
export function inFloatType<T extends tf.Tensor>(x: T, type: FloatType): T {
  const own = storedFloat(x);
  if (own === type) return x;
  if (!isNative()) throw new Error('only the native engine computes in bfloat16');
  const output = differentiable([x], () => ({
    value: castTo(x, type),
    saved: [],
    backward: (gradient) => [castTo(gradient, own)],
  }));
  return output as T;
}

/** The same without a place on the tape; native engine only. */
export function castTo(x: tf.TensorInfo, type: FloatType): tf.Tensor {
  return nativeOperation(
    'Cast',
    [
      typeAttribute('SrcT', storedFloat(x)),
      typeAttribute('DstT', type),
      boolAttribute('Truncate', false),
    ],
    [x],
  );
}

/** The tensor in this type without a place on the tape, itself where it is; for what an operation computes with. */
export function storedAs<T extends tf.TensorInfo>(x: T, type: FloatType): T | tf.Tensor {
  return storedFloat(x) === type ? x : castTo(x, type);
}

/**
 * x · factors, factors being float32 and stretched to the shape of x as in PyTorch.
 *
 * @param x in float32 or bfloat16; the output is of the same type, and the gradient of the factors float32
 */
export function scaled<T extends tf.Tensor>(x: T, factors: tf.Tensor): T {
  return tf.mul(x, inFloatType(factors, storedFloat(x)));
}

/** A number for each entry of the last axis added, of the same type, without a place on the tape; native engine only. */
export function plusBias(x: tf.TensorInfo, bias: tf.TensorInfo): tf.Tensor {
  const attributes = [typeAttribute('T', storedFloat(x)), stringAttribute('data_format', 'NHWC')];
  return nativeOperation('BiasAdd', attributes, [x, bias]);
}
