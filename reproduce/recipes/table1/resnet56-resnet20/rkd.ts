/**
 * RKD of resnet56 → resnet20 on CIFAR-100 (column R56-R20): 69.61 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet56:resnet20 --methods rkd
 *
 * Time: about 1 day a seed on two CPU cores (estimated from a few steps, not run at this length).
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
  pair: 'resnet56:resnet20',
  row: 'rkd',
  expected: 69.61,
  recipes: {
    rkd: publishedRecipe([crossEntropy(), rkd({ weight: 1, distance: 25, angle: 50 })]),
  },
} satisfies Table1Cell;
