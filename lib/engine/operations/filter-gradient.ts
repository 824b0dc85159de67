import type * as tf from '@tensorflow/tfjs';
import { operationOutputs } from '../functions/native-functions';
import { hasOwnOperations, intAttribute, nativeOperation, storedFloat } from '../native';

/** This package's own operations (`lib/engine/cpp/operations/filter_gradient.cc`), there where the processor can. */
const operations = {
  float32: 'NormDirectionFilterGradient',
  bfloat16: 'NormDirectionFilterGradientBFloat16',
} as const;

export interface FilterGradientInputs {
  /** Of the convolution's output, [batch, rows, columns, outputs]. */
  readonly gradient: tf.Tensor;
  /** [batch, height, width, inputs], without the zeros around it. */
  readonly x: tf.Tensor;
  /** [kernelHeight, kernelWidth, inputs, outputs] */
  readonly shape: readonly number[];
  readonly stride: number;
}

/** Larger images leave the processor's cache when they are packed. */
const mostNumbers = 2 ** 18;

/**
 * Whether the gradient of a convolution by its weights is computed by this package's own operation: on processors
 * with AVX512 (in bfloat16 AVX512-BF16), for channels by sixteen and images that the cache holds, where it is the
 * faster one. oneDNN's takes up to twice as long in bfloat16; inside of PyTorch it does not.
 */
export function hasFilterGradient({ gradient, x, shape, stride }: FilterGradientInputs): boolean {
  const [height = 0, , inputs = 0, outputs = 0] = shape;
  const [, , columns = 0] = gradient.shape;
  const type = storedFloat(gradient);
  const fits = inputs === x.shape[3] && inputs % 16 === 0 && outputs % 16 === 0;
  const small = x.size <= mostNumbers * (x.shape[0] ?? 1);
  const faster =
    type === 'bfloat16'
      ? columns % 2 === 0
      : height > 1 && (stride > 1 || (outputs >= 64 && columns * outputs >= 1024));
  return fits && small && faster && hasOwnOperations() && operationOutputs().has(operations[type]);
}

/** That gradient, of the weights' shape, summed up in float32. */
export function filterGradient(
  { gradient, x, shape: [height = 1, width = 1], stride }: FilterGradientInputs,
  padding: number,
): tf.Tensor {
  return nativeOperation(
    operations[storedFloat(gradient)],
    [
      intAttribute('height', height),
      intAttribute('width', width),
      intAttribute('stride', stride),
      intAttribute('padding', padding),
    ],
    [x, gradient],
  );
}
