import type * as tf from '@tensorflow/tfjs';
import { differentiable } from '../differentiable';
import { boolAttribute, isNative, nativeOperation, storedFloat, typeAttribute } from '../native';

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
