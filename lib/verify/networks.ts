import * as tf from '@tensorflow/tfjs';
import { dist, dkd, kd, type LossTerm, reviewKd } from '../distill/terms';
import type { ReviewKdOptions } from '../distill/terms/review-kd';
import { sizeOf } from '../formats/numbers';
import type { ModelState, StateDict } from '../nn/state';
import type { Batch } from '../train/learner';
import {
  compareNumber,
  compareText,
  disturb,
  type Disturbance,
  euclideanNorm,
  meanOf,
  type Mismatch,
  NotAvailable,
} from './compare';
import {
  channelsLast,
  deterministic,
  deterministicWeights,
  type ImageShape,
} from './deterministic';

/**
 * Weights that follow from their names, in the form of a network's own.
 *
 * @param named the name of a key where the reference values were made
 */
export function weightsFor(
  state: ModelState,
  prefix: string,
  named: (key: string) => string = (key) => key,
): StateDict {
  const own = [...state.stateDict()];
  const made = deterministicWeights(
    prefix,
    own.map(([key, { shape }]) => [named(key), shape]),
  );
  return new Map([...made.values()].map((entry, at) => [own[at]?.[0] ?? '', entry]));
}

/** Gives a network such weights, or those with their last bits disturbed. */
export function setWeights(state: ModelState, prefix: string, disturbance: Disturbance): void {
  state.loadStateDict(disturbWeights(weightsFor(state, prefix), disturbance));
}

/** Weights are as much a step's inputs as its images are. */
export function disturbWeights(weights: StateDict, disturbance: Disturbance): StateDict {
  return new Map(
    [...weights].map(([key, { shape, data }]) => [
      key,
      { shape, data: disturb(data, disturbance) },
    ]),
  );
}

/** Images that follow from a name, made in PyTorch's order of axes, given in this package's. */
export function imagesOf(
  name: string,
  shape: ImageShape,
  disturbance: Disturbance,
  scale = 1,
): tf.Tensor4D {
  return channelsLast(disturb(deterministic(name, shape, scale), disturbance), shape);
}

/** What a learner makes its step on. */
export function batchOf(images: tf.Tensor4D, labels: Int32Array): Batch {
  return { images, labels: tf.tensor1d(labels, 'int32'), indices: labels.map((_, place) => place) };
}

interface DistillationSettings extends ReviewKdOptions {
  readonly weight?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly temperature?: number;
}

/**
 * What a method adds to cross entropy, and how the reference values call its loss.
 *
 * @param method such as `KD++`, `kd`
 * @throws NotAvailable for another one.
 */
export function distillationOf(
  method: string,
  { weight, alpha, beta, temperature, ...review }: DistillationSettings,
): readonly [name: 'kd' | 'dkd' | 'dist' | 'hcl', term: LossTerm] {
  switch (method.toLowerCase().replace(/\+\+$/, '')) {
    case 'kd':
      return ['kd', kd({ weight, temperature })];
    case 'dkd':
      return ['dkd', dkd({ alpha, beta, temperature })];
    case 'dist':
      return ['dist', dist({ weight, temperature })];
    case 'reviewkd':
      return ['hcl', reviewKd({ weight, ...review })];
    default:
      throw new NotAvailable(`method '${method}'`);
  }
}

/** The Euclidean norm of each gradient, by the names of what they belong to. */
export function gradientNorms(
  names: readonly string[],
  gradients: readonly tf.Tensor[],
): Map<string, number> {
  return new Map(
    names.map((name, index) => [name, euclideanNorm(gradients[index]?.dataSync() ?? [])]),
  );
}

/** What is stored of a feature. */
export interface Feature {
  /** In PyTorch's order of axes. */
  readonly shape: readonly number[];
  readonly mean: number;
  /** Euclidean. */
  readonly norm: number;
  /** The share of its numbers that are below 0. */
  readonly shareNegative?: number;
}

export function readFeature(feature: tf.Tensor4D | tf.Tensor2D): Feature {
  const values = feature.dataSync<'float32'>();
  const [batch, height, width, channels] = feature.shape;
  return {
    shape:
      width === undefined || channels === undefined
        ? feature.shape
        : [batch, channels, height, width],
    mean: meanOf(values),
    norm: euclideanNorm(values),
    shareNegative: values.reduce((count, value) => count + (value < 0 ? 1 : 0), 0) / values.length,
  };
}

/**
 * Features in their order.
 *
 * @param names.all what is counted: `teacherFeatures`
 */
export function compareFeatures(
  names: { readonly all: string; readonly one: (index: number) => string },
  expected: readonly Feature[],
  found: readonly Feature[],
  tolerance: number,
): Mismatch[] {
  if (expected.length !== found.length) {
    return compareText(`number of ${names.all}`, expected.length, found.length);
  }
  return found.flatMap((other, index) => {
    const { shape = [], mean = NaN, norm = NaN, shareNegative } = expected[index] ?? {};
    const of = names.one(index);
    // The mean may be near 0 by cancellation: its difference is measured by the root mean square.
    const scale = norm / Math.sqrt(sizeOf(shape));
    return [
      ...compareText(`shape of ${of}`, shape.join(' × '), other.shape.join(' × ')),
      ...compareNumber(`mean of ${of}`, mean, other.mean, { tolerance, scale }),
      ...compareNumber(`norm of ${of}`, norm, other.norm, { tolerance }),
      ...(shareNegative === undefined
        ? []
        : compareNumber(
            `share of negative numbers of ${of}`,
            shareNegative,
            other.shareNegative ?? NaN,
            // Of a few thousand numbers one that is all but 0 is more than the tolerance.
            { tolerance: tolerance + 1 / sizeOf(shape), scale: 1 },
          )),
    ];
  });
}
