import * as tf from '@tensorflow/tfjs';
import {
  hasOwnOperations,
  intAttribute,
  nativeOperation,
  storedFloat,
  typeAttribute,
} from '../native';
import { differentiable, savedTensor } from '../tidy';
import { inFloatType } from './activations';
import { padSpatially, windowCounts } from './convolution-gradients';

interface PoolingOptions {
  readonly kernel: number;
  /** As PyTorch: the kernel's size when not given. */
  readonly stride?: number;
  readonly padding?: number;
}

/**
 * Average pooling as PyTorch's `AvgPool2d`: padded cells count (`count_include_pad`).
 *
 * @param x [batch, height, width, channels]
 * @throws LabError of kind `model` where no window fits into the image.
 */
export function averagePool(
  x: tf.Tensor4D,
  { kernel, stride = kernel, padding = 0 }: PoolingOptions,
): tf.Tensor4D {
  windowCounts(x, [kernel, kernel], { stride, padding });
  return tf.avgPool(padding > 0 ? padSpatially(x, padding) : x, kernel, stride, 'valid');
}

/**
 * Maximum pooling as PyTorch's `MaxPool2d`: padded cells never win, and a gradient goes to the first of equal maxima.
 *
 * @param x [batch, height, width, channels], in float32 or bfloat16; the output is of the same type
 * @throws LabError of kind `model` where no window fits into the image.
 */
export function maxPool(
  x: tf.Tensor4D,
  { kernel, stride = kernel, padding = 0 }: PoolingOptions,
): tf.Tensor4D {
  windowCounts(x, [kernel, kernel], { stride, padding });
  if (hasOwnOperations()) return ownMaxPool(x, { kernel, stride, padding });
  // TensorFlow.js' pooling takes float32 only; a maximum is the same number in both.
  const wide = inFloatType(x, 'float32');
  const padded = padding > 0 ? padSpatially(wide, padding, lowest) : wide;
  return inFloatType(tf.maxPool(padded, kernel, stride, 'valid'), storedFloat(x));
}

/** `lib/engine/cpp/operations/max_pool.cc`: TensorFlow's own gradient takes ten times as long on a CPU. */
function ownMaxPool(x: tf.Tensor4D, options: Required<PoolingOptions>): tf.Tensor4D {
  const attributes = [
    ...Object.entries(options).map(([name, value]) => intAttribute(name, value)),
    typeAttribute('T', storedFloat(x)),
  ];
  const output = differentiable([x], () => {
    const value = nativeOperation('NormDirectionMaxPool', attributes, [x]);
    return {
      value,
      saved: [x, value],
      backward: (gradient, saved) => [
        nativeOperation('NormDirectionMaxPoolGrad', attributes, [gradient, ...saved]),
      ],
    };
  });
  return output as tf.Tensor4D;
}

/**
 * Mean over height and width: PyTorch's `AdaptiveAvgPool2d(1)` followed by `flatten`.
 *
 * @param x [batch, height, width, channels], in float32 or bfloat16
 * @returns [batch, channels], in float32
 */
export function globalAveragePool(x: tf.Tensor4D): tf.Tensor2D {
  if (hasOwnOperations()) return ownGlobalAveragePool(x);
  return plainGlobalAveragePool(inFloatType(x, 'float32'));
}

/** `lib/engine/cpp/operations/pooling.cc`. */
function ownGlobalAveragePool(x: tf.Tensor4D): tf.Tensor2D {
  const attributes = [typeAttribute('T', storedFloat(x))];
  const output = differentiable([x], () => ({
    value: nativeOperation('NormDirectionPixelMean', attributes, [x]),
    saved: [x],
    backward: (gradient, saved) => [
      nativeOperation('NormDirectionPixelMeanGrad', attributes, [gradient, savedTensor(saved, 0)]),
    ],
  }));
  return output as tf.Tensor2D;
}

function plainGlobalAveragePool(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  const output = differentiable([x], () => ({
    value: tf.mean(x, [1, 2]),
    saved: [],
    backward: (gradient) => [
      tf.tile(tf.reshape(tf.div(gradient, height * width), [batch, 1, 1, channels]), [
        1,
        height,
        width,
        1,
      ]),
    ],
  }));
  return output as tf.Tensor2D;
}

/** The most negative float32: below every activation, and finite so that 0 · pad stays 0. */
const lowest = -3.4028234663852886e38;
