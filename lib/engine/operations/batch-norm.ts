import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../differentiable';
import {
  boolAttribute,
  floatAttribute,
  isNative,
  nativeOperations,
  type OperationAttribute,
  stringAttribute,
  typeAttribute,
} from '../native';

/** PyTorch's defaults for `BatchNorm1d` and `BatchNorm2d`. */
export const batchNormEpsilon = 1e-5;
export const batchNormMomentum = 0.1;

/** Scale γ and shift β, both [channels]. */
export interface BatchNormWeights {
  readonly scale: tf.Tensor1D;
  readonly shift: tf.Tensor1D;
}

/** Running mean and (unbiased) variance, both [channels]. */
export interface RunningStatistics {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch norm with the statistics of the batch: γ · (x − mean) / √(biased variance + 1e-5) + β over
 * all axes but the last, as PyTorch in training.
 *
 * @param x [batch, height, width, channels]
 * @returns the output, and the running statistics moved by `momentum` (with the unbiased variance);
 *   the caller owns those two tensors.
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  { scale, shift }: BatchNormWeights,
  running: RunningStatistics,
  momentum = batchNormMomentum,
): { output: tf.Tensor4D; running: RunningStatistics } {
  return isNative()
    ? nativeTraining(x, scale, shift, running, momentum)
    : plainTraining(x, scale, shift, running, momentum);
}

/**
 * Batch norm with running statistics, as PyTorch in evaluation; its gradient holds them constant.
 *
 * @param x [batch, height, width, channels]
 */
export function batchNormEvaluation(
  x: tf.Tensor4D,
  { scale, shift }: BatchNormWeights,
  { mean, variance }: RunningStatistics,
): tf.Tensor4D {
  return tf.batchNorm(x, mean, variance, shift, scale, batchNormEpsilon);
}

function nativeTraining(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  shift: tf.Tensor1D,
  running: RunningStatistics,
  momentum: number,
): { output: tf.Tensor4D; running: RunningStatistics } {
  let moved: RunningStatistics | undefined;
  const output = differentiable([x, scale, shift], () => {
    const [value, mean, variance, ...reserve] = nativeOperations(
      'FusedBatchNormV3',
      [...attributes(true), floatAttribute('exponential_avg_factor', momentum)],
      [x, scale, shift, running.mean, running.variance],
      6,
    );
    if (value === undefined || mean === undefined || variance === undefined) {
      throw new Error('FusedBatchNormV3 gave too few outputs');
    }
    // TensorFlow moves the running statistics itself, with Bessel's correction, as PyTorch does.
    moved = { mean: tf.keep(mean as tf.Tensor1D), variance: tf.keep(variance as tf.Tensor1D) };
    return {
      value,
      saved: [x, scale, ...reserve],
      backward: (gradient, saved) =>
        nativeOperations(
          'FusedBatchNormGradV3',
          attributes(true),
          [gradient, savedTensor(saved, 0), savedTensor(saved, 1), ...saved.slice(2)],
          5,
        ).slice(0, 3),
    };
  });
  if (moved === undefined) throw new Error('batch norm did not run');
  return { output: output as tf.Tensor4D, running: moved };
}

function attributes(isTraining: boolean): OperationAttribute[] {
  return [
    typeAttribute('T', 'float32'),
    typeAttribute('U', 'float32'),
    floatAttribute('epsilon', batchNormEpsilon),
    stringAttribute('data_format', 'NHWC'),
    boolAttribute('is_training', isTraining),
  ];
}

function plainTraining(
  x: tf.Tensor4D,
  scale: tf.Tensor1D,
  shift: tf.Tensor1D,
  running: RunningStatistics,
  momentum: number,
): { output: tf.Tensor4D; running: RunningStatistics } {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const normalised = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, batchNormEpsilon)));
  const output: tf.Tensor4D = tf.add(tf.mul(normalised, scale), shift);
  const count = x.size / scale.size;
  const moved = tf.tidy(() => ({
    mean: tf.keep(movedBy(running.mean, mean as tf.Tensor1D, momentum)),
    variance: tf.keep(
      movedBy(
        running.variance,
        tf.mul(variance as tf.Tensor1D, count / Math.max(1, count - 1)),
        momentum,
      ),
    ),
  }));
  return { output, running: moved };
}

function movedBy(old: tf.Tensor1D, seen: tf.Tensor1D, momentum: number): tf.Tensor1D {
  return tf.add(tf.mul(old, 1 - momentum), tf.mul(seen, momentum));
}
