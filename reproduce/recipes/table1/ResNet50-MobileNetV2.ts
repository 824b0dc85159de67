import type { PairWeights } from './weights';

/**
 * ResNet50 → MobileNetV2, column R50-MBV2 of the paper's CIFAR-100 table (KD++ 70.10, DKD++ 70.82,
 * DIST++ 69.80). Weights: the official code's scripts at fc6f3f9. The MobileNetV2 learning rate is not
 * shown in the scripts; 0.02 is that of the ShuffleNets. The embedding goes through an adapter.
 * `npm run reproduce:table1 -- --scale paper --pairs ResNet50:MobileNetV2`
 */
export const resnet50ToMobileNetV2: PairWeights = {
  learningRate: 0.02,
  kd: { weight: 3, nd: 0.5 },
  dkd: { alpha: 0.5, beta: 8, nd: 1 },
  dist: { weight: 7, nd: 1 },
  reviewkd: { weight: 6, nd: 2 },
};
