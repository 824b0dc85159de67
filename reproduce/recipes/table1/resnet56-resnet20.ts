import type { PairWeights } from './weights';

/**
 * resnet56 → resnet20, column R56-R20 of the paper's CIFAR-100 table (KD++ 72.53, DKD++ 72.16, DIST++
 * 72.52). Weights: the official code's scripts at fc6f3f9.
 * `npm run reproduce:table1 -- --scale paper --pairs resnet56:resnet20`
 */
export const resnet56ToResnet20: PairWeights = {
  kd: { weight: 1, nd: 2 },
  dkd: { alpha: 2.5, beta: 4, nd: 3.5 },
  dist: { weight: 2, nd: 1 },
  reviewkd: { weight: 1.2, nd: 1 },
};
