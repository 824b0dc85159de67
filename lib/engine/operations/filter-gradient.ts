import type * as tf from '@tensorflow/tfjs';
import { operationOutputs } from '../functions/native-functions';
import { hasOwnOperations, intAttribute, nativeOperation, storedFloat } from '../native';

const operation = 'NormDirectionFilterGradient';

/**
 * Whether this package's own operation computes the gradient of such a convolution by its weights: in bfloat16, on
 * processors with AVX512-BF16, for channels by sixteen and an even number of columns. It is there because oneDNN,
 * as it is built into TensorFlow, takes up to twice as long as with OpenMP's threads.
 *
 * @param gradient of the convolution's output
 */
export function hasFilterGradient(
  gradient: tf.TensorInfo,
  x: tf.TensorInfo,
  [, , inputs, outputs]: tf.Tensor4D['shape'],
): boolean {
  return (
    storedFloat(gradient) === 'bfloat16' &&
    inputs === x.shape[3] &&
    inputs % 16 === 0 &&
    outputs % 16 === 0 &&
    (gradient.shape[2] ?? 1) % 2 === 0 &&
    hasOwnOperations() &&
    operationOutputs().has(operation)
  );
}

/** The gradient by weights of this shape, summed up in float32 (`lib/engine/cpp/operations/filter_gradient.cc`). */
export function filterGradient(
  gradient: tf.TensorInfo,
  x: tf.TensorInfo,
  [height, width]: tf.Tensor4D['shape'],
  { stride, padding }: { stride: number; padding: number },
): tf.Tensor {
  return nativeOperation(
    operation,
    [
      intAttribute('height', height),
      intAttribute('width', width),
      intAttribute('stride', stride),
      intAttribute('padding', padding),
    ],
    [x, gradient],
  );
}
