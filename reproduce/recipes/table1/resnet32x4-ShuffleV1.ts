import type { PairWeights } from './weights';

/**
 * resnet32x4 → ShuffleV1, column R32x4-SV1 of the paper's CIFAR-100 table (KD++ 75.45, DKD++ 77.11,
 * DIST++ 75.60). Weights: the official code's scripts at fc6f3f9. The embedding goes through an
 * adapter.
 * `npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV1`
 */
export const resnet32x4ToShuffleV1: PairWeights = {
  learningRate: 0.02,
  kd: { weight: 2.5, nd: 1.5 },
  dkd: { alpha: 0.5, beta: 8, nd: 4 },
  dist: { weight: 2.5, nd: 3 },
  reviewkd: { weight: 7, nd: 1 },
};
