/**
 * CRD of wrn_40_2 → wrn_40_1 on CIFAR-100 (column WRN40-2-WRN40-1): 74.14 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs wrn_40_2:wrn_40_1 --methods crd
 *
 * Time: about 2.5 days a seed on two CPU cores (estimated from a few steps, not run at this length).
 *
 * Recipe: RepDistiller's, whose number this is: negatives are drawn from other classes, and kept
 * embeddings of all training images are compared. No warm-up.
 *
 * The row stands in the first README of the released code only (d74c2ce); its HEAD left FitNet to CRD
 * out.
 */
import { crd, crossEntropy } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'wrn_40_2:wrn_40_1',
  row: 'crd',
  expected: 74.14,
  recipes: {
    crd: publishedRecipe([
      crossEntropy(),
      crd({ weight: 0.8, size: 128, negatives: 16384, temperature: 0.07, momentum: 0.5 }),
    ]),
  },
} satisfies Table1Cell;
