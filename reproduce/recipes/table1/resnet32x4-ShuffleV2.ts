import type { PairWeights } from './weights';

/**
 * resnet32x4 → ShuffleV2, column R32x4-SV2 of the paper's CIFAR-100 table (KD++ 76.42, DKD++ 77.49,
 * DIST++ 76.64). Weights: the official code's scripts at fc6f3f9. The embedding goes through an
 * adapter.
 * `npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV2`
 */
export const resnet32x4ToShuffleV2: PairWeights = {
  learningRate: 0.02,
  kd: { weight: 4, nd: 0.5 },
  dkd: { alpha: 0.5, beta: 6, nd: 0.5 },
  dist: { weight: 3, nd: 4 },
  reviewkd: { weight: 8, nd: 1.5 },
};
