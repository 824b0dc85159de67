import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../differentiable';
import { isNative, nativeOperation, storedFloat, typeAttribute } from '../native';

/** max(x, 0), with gradient 0 at x = 0 as in PyTorch. Any shape. */
export function relu<T extends tf.Tensor>(x: T): T {
  if (!isNative()) return tf.relu(x);
  const attributes = [typeAttribute('T', storedFloat(x))];
  // tfjs' own gradient of ReLU is a step and a product; ReluGrad is one pass.
  const output = differentiable([x], () => {
    const value = nativeOperation('Relu', attributes, [x]);
    return {
      value,
      saved: [value],
      backward: (gradient, saved) => [
        nativeOperation('ReluGrad', attributes, [gradient, savedTensor(saved, 0)]),
      ],
    };
  });
  return output as T;
}
