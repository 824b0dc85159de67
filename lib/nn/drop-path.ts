import * as tf from '@tensorflow/tfjs';
import { LabError } from '../errors';
import type { ForwardMode } from './layers';

export interface DropPathOptions {
  /** With which a sample's branch is left out in training; 0 is never. */
  readonly probability: number;
}

/**
 * Stochastic depth (Huang et al., arXiv 1603.09382) in timm's form: in training, each sample's branch is 0
 * with the given probability and else scaled by 1 / (1 − probability). One draw a sample, in their order.
 *
 * @param x a residual branch, [batch, …]
 * @throws LabError of kind `option` in training without `random`.
 */
export function dropPath<T extends tf.Tensor>(
  x: T,
  { probability }: DropPathOptions,
  { training, random }: ForwardMode,
): T {
  if (!training || probability === 0) return x;
  if (random === undefined) {
    throw new LabError({
      kind: 'option',
      what: 'stochastic depth needs random numbers in training',
      remedy: 'Give `random` in the forward mode, or create the model with dropPath 0',
    });
  }
  const [batch = 0, ...others] = x.shape;
  const kept = 1 / (1 - probability);
  const scales = Float32Array.from({ length: batch }, () =>
    random.uniform() < probability ? 0 : kept,
  );
  return tf.mul(x, tf.tensor(scales, [batch, ...others.map(() => 1)]));
}

/** timm's rule: the probabilities of `count` blocks rise evenly from 0 to the last one's. */
export function dropPathProbabilities(count: number, last: number): number[] {
  return Array.from({ length: count }, (_, place) =>
    count === 1 ? 0 : (last * place) / (count - 1),
  );
}
