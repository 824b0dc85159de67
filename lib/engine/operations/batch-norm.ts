import * as tf from '@tensorflow/tfjs';
import {
  boolAttribute,
  floatAttribute,
  hasOwnOperations,
  intAttribute,
  isNative,
  isOnGpu,
  nativeOperation,
  nativeOperations,
  type OperationAttribute,
  storedFloat,
  stringAttribute,
  typeAttribute,
} from '../native';
import { differentiable, savedTensor } from '../tidy';
import { relu as reluOf } from './activations';

/** PyTorch's defaults for `BatchNorm1d` and `BatchNorm2d`. */
export const batchNormEpsilon = 1e-5;
export const batchNormMomentum = 0.1;

/** Scale γ and shift β, both [channels]. */
interface BatchNormWeights {
  readonly scale: tf.Tensor1D;
  readonly shift: tf.Tensor1D;
}

/** Running mean and (unbiased) variance, both [channels]. */
export interface RunningStatistics {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/** What follows a norm. */
export interface NormTail {
  /** Added after the norm, of the input's shape. */
  readonly residual?: tf.Tensor4D;
  readonly relu?: boolean;
}

/** The output, and the running statistics after the batch; the caller owns those two tensors. */
interface NormalisedBatch {
  readonly output: tf.Tensor4D;
  readonly running: RunningStatistics;
}

interface BatchNormTrainingOptions extends NormTail {
  /** How far the running statistics move, 0.1 by default. */
  readonly momentum?: number;
}

/**
 * Batch norm with the statistics of the batch, as PyTorch in training, and what follows it:
 * relu?(γ · (x − mean) / √(biased variance + 1e-5) + β + residual?) over all axes but the last. The running
 * statistics move by `momentum`, with the unbiased variance. On the CPU it is one operation of this package's
 * own, two passes over memory forward and two backward.
 *
 * @param x [batch, height, width, channels], in float32 or bfloat16; the output is of the same type, what is
 *   known by channel is float32.
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  weights: BatchNormWeights,
  running: RunningStatistics,
  { momentum = batchNormMomentum, ...tail }: BatchNormTrainingOptions = {},
): NormalisedBatch {
  const given = { x, weights, running, momentum };
  if (hasOwnOperations()) return ownTraining(given, tail);
  const normalised = isNative() ? nativeTraining(given) : plainTraining(given);
  return { ...normalised, output: withTail(normalised.output, tail) };
}

function withTail(normalised: tf.Tensor4D, { residual, relu = false }: NormTail): tf.Tensor4D {
  const sum: tf.Tensor4D = residual ? tf.add(normalised, residual) : normalised;
  return relu ? reluOf(sum) : sum;
}

/**
 * Batch norm with running statistics, as PyTorch in evaluation, and what follows it; its gradient holds the
 * statistics constant. On the CPU it is one operation of this package's own unless a gradient is wanted.
 *
 * @param x [batch, height, width, channels], in float32, or in bfloat16 where no gradient is wanted
 */
export function batchNormEvaluation(
  x: tf.Tensor4D,
  { scale, shift }: BatchNormWeights,
  { mean, variance }: RunningStatistics,
  tail: NormTail = {},
): tf.Tensor4D {
  if (hasOwnOperations() && !tf.engine().isTapeOn()) {
    const { residual, relu = false } = tail;
    const residuals = residual ? [residual] : [];
    return nativeOperation(
      'NormDirectionBatchNormEvaluation',
      [
        typeAttribute('T', storedFloat(x)),
        boolAttribute('relu', relu),
        intAttribute('residuals', residuals.length),
        floatAttribute('epsilon', batchNormEpsilon),
      ],
      [x, scale, shift, mean, variance, ...residuals],
    ) as tf.Tensor4D;
  }
  if (isNative() && !tf.engine().isTapeOn()) {
    const attributes = [...fusedAttributes(x), boolAttribute('is_training', false)];
    const inputs = [x, scale, shift, mean, variance];
    const [value, ...rest] = nativeOperations('FusedBatchNormV3', attributes, inputs, 6);
    tf.dispose(rest);
    return withTail(value as tf.Tensor4D, tail);
  }
  return withTail(tf.batchNorm(x, mean, variance, shift, scale, batchNormEpsilon), tail);
}

/** Of TensorFlow's own batch norm. */
function fusedAttributes(x: tf.Tensor, format = 'NHWC'): OperationAttribute[] {
  return [
    typeAttribute('T', storedFloat(x)),
    typeAttribute('U', 'float32'),
    floatAttribute('epsilon', batchNormEpsilon),
    stringAttribute('data_format', format),
  ];
}

interface TrainingInputs {
  readonly x: tf.Tensor4D;
  readonly weights: BatchNormWeights;
  readonly running: RunningStatistics;
  readonly momentum: number;
}

/** `lib/engine/cpp/operations/batch_norm.cc`. */
function ownTraining(
  { x, weights: { scale, shift }, running, momentum }: TrainingInputs,
  { residual, relu = false }: NormTail,
): NormalisedBatch {
  const residuals = residual ? [residual] : [];
  const common = [typeAttribute('T', storedFloat(x)), boolAttribute('relu', relu)];
  let moved: RunningStatistics | undefined;
  const output = differentiable([x, scale, shift, ...residuals], () => {
    const outputs = nativeOperations(
      'NormDirectionBatchNorm',
      [
        ...common,
        intAttribute('residuals', residuals.length),
        floatAttribute('epsilon', batchNormEpsilon),
        floatAttribute('momentum', momentum),
      ],
      [x, scale, shift, running.mean, running.variance, ...residuals],
      5,
    );
    const value = savedTensor(outputs, 0);
    moved = {
      mean: tf.keep(savedTensor(outputs, 3) as tf.Tensor1D),
      variance: tf.keep(savedTensor(outputs, 4) as tf.Tensor1D),
    };
    return {
      value,
      // Mean and inverse deviation of the batch; the output only where ReLU hides part of the gradient.
      saved: [x, scale, ...outputs.slice(1, 3), ...(relu ? [value] : [])],
      backward: (gradient, saved) => {
        // Without a ReLU the residual's gradient is the output's.
        const keeps = relu && residuals.length > 0;
        const gradients = nativeOperations(
          'NormDirectionBatchNormGrad',
          [
            ...common,
            intAttribute('outputs', relu ? 1 : 0),
            intAttribute('residuals', keeps ? 1 : 0),
          ],
          [gradient, ...saved],
          keeps ? 4 : 3,
        );
        return residuals.length > 0 && !relu ? [...gradients, tf.clone(gradient)] : gradients;
      },
    };
  });
  if (moved === undefined) throw new Error('batch norm did not run');
  return { output: output as tf.Tensor4D, running: moved };
}

/**
 * TensorFlow's own operation: on a GPU's path. On a CPU oneDNN takes its place but for volumes, and sums each thread's
 * share number after number: with one thread it errs four times as far as TensorFlow. There images go as volumes.
 */
function nativeTraining({
  x,
  weights: { scale, shift },
  running,
  momentum,
}: TrainingInputs): NormalisedBatch {
  const asVolumes = !isOnGpu();
  const given = (image: tf.Tensor): tf.Tensor => {
    const [batch, ...axes] = image.shape;
    return asVolumes ? tf.reshape(image, [batch ?? 0, 1, ...axes]) : image;
  };
  const taken = (image: tf.Tensor): tf.Tensor => (asVolumes ? tf.reshape(image, x.shape) : image);
  const attributes = [
    ...fusedAttributes(x, asVolumes ? 'NDHWC' : 'NHWC'),
    boolAttribute('is_training', true),
  ];
  let moved: RunningStatistics | undefined;
  const output = differentiable([x, scale, shift], () => {
    const image = given(x);
    const outputs = nativeOperations(
      'FusedBatchNormV3',
      [...attributes, floatAttribute('exponential_avg_factor', momentum)],
      [image, scale, shift, running.mean, running.variance],
      6,
    );
    // TensorFlow moves the running statistics itself, with Bessel's correction, as PyTorch does.
    moved = {
      mean: tf.keep(savedTensor(outputs, 1) as tf.Tensor1D),
      variance: tf.keep(savedTensor(outputs, 2) as tf.Tensor1D),
    };
    return {
      value: taken(savedTensor(outputs, 0)),
      saved: [image, scale, ...outputs.slice(3)],
      backward: (gradient, saved) => {
        const gradients = nativeOperations(
          'FusedBatchNormGradV3',
          attributes,
          [given(gradient), ...saved],
          5,
        );
        return [taken(savedTensor(gradients, 0)), ...gradients.slice(1, 3)];
      },
    };
  });
  if (moved === undefined) throw new Error('batch norm did not run');
  return { output: output as tf.Tensor4D, running: moved };
}

function plainTraining({
  x,
  weights: { scale, shift },
  running,
  momentum,
}: TrainingInputs): NormalisedBatch {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const normalised = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, batchNormEpsilon)));
  const output: tf.Tensor4D = tf.add(tf.mul(normalised, scale), shift);
  const count = x.size / scale.size;
  const moved = (old: tf.Tensor1D, seen: tf.Tensor): tf.Tensor1D =>
    tf.keep(tf.add(tf.mul(old, 1 - momentum), tf.mul(seen, momentum)));
  return {
    output,
    running: tf.tidy(() => ({
      mean: moved(running.mean, mean),
      variance: moved(running.variance, tf.mul(variance, count / Math.max(1, count - 1))),
    })),
  };
}
