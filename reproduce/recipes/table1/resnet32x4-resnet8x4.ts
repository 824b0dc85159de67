import type { PairWeights } from './weights';

/**
 * resnet32x4 → resnet8x4, column R32x4-R8x4 of the paper's CIFAR-100 table (KD++ 75.54, DKD++ 76.28,
 * DIST++ 76.13). Weights: the official code's scripts at fc6f3f9.
 * `npm run reproduce:table1 -- --scale paper --pairs resnet32x4:resnet8x4`
 */
export const resnet32x4ToResnet8x4: PairWeights = {
  kd: { weight: 3.5, nd: 2 },
  dkd: { alpha: 2, beta: 8, nd: 0.5 },
  dist: { weight: 1.5, nd: 4 },
  reviewkd: { weight: 8, nd: 1 },
};
