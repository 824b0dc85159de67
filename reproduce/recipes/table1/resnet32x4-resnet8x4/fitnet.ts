/**
 * FitNet of resnet32x4 → resnet8x4 on CIFAR-100 (column R32x4-R8x4): 73.50 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:resnet8x4 --methods fitnet
 *
 * Time: about 6 days a seed on two CPU cores (estimated from a few steps, not run at this length).
 *
 * Recipe: RepDistiller's, whose number this is: on the features after the second stage, through a
 * trained convolution. No warm-up.
 *
 * The row stands in the first README of the released code only (d74c2ce); its HEAD left FitNet to CRD
 * out.
 */
import { crossEntropy, fitNet } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet32x4:resnet8x4',
  row: 'fitnet',
  expected: 73.5,
  recipes: {
    fitnet: publishedRecipe([crossEntropy(), fitNet({ weight: 100, hintLayer: 2 })]),
  },
} satisfies Table1Cell;
