/**
 * FitNet of wrn_40_2 → wrn_40_1 on CIFAR-100 (column WRN40-2-WRN40-1): 72.24 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs wrn_40_2:wrn_40_1 --methods fitnet
 *
 * Time: about 2.5 days a seed on two CPU cores (estimated from a few steps, not run at this length).
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
  pair: 'wrn_40_2:wrn_40_1',
  row: 'fitnet',
  expected: 72.24,
  recipes: {
    fitnet: publishedRecipe([crossEntropy(), fitNet({ weight: 100, hintLayer: 2 })]),
  },
} satisfies Table1Cell;
