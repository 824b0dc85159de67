/**
 * RKD of resnet32x4 → ShuffleV1 on CIFAR-100 (column R32x4-SV1): 72.28 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV1 --methods rkd
 *
 * Time: about 11 days a seed on two CPU cores (estimated from a few steps, not run at this length).
 *
 * Recipe: RepDistiller's, whose number this is: on the embedding, no warm-up.
 *
 * The row stands in the first README of the released code only (d74c2ce); its HEAD left FitNet to CRD
 * out.
 */
import { crossEntropy, rkd } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet32x4:ShuffleV1',
  row: 'rkd',
  expected: 72.28,
  recipes: {
    rkd: publishedRecipe([crossEntropy(), rkd({ weight: 1, distance: 25, angle: 50 })], {
      learningRate: 0.01,
    }),
  },
} satisfies Table1Cell;
