import type { PairWeights } from './weights';

/**
 * wrn_40_2 → wrn_40_1, column WRN40-2-WRN40-1 of the paper's CIFAR-100 table (KD++ 74.59, DKD++ 75.02,
 * DIST++ 75.00). Weights: the official code's scripts at fc6f3f9. The embedding goes through an
 * adapter.
 * `npm run reproduce:table1 -- --scale paper --pairs wrn_40_2:wrn_40_1`
 */
export const wrn40x2ToWrn40x1: PairWeights = {
  kd: { weight: 1, nd: 1.5 },
  dkd: { alpha: 1, beta: 6, nd: 1 },
  dist: { weight: 2.5, nd: 3 },
  reviewkd: { weight: 5, nd: 4 },
};
