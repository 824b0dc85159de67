/**
 * PKT of wrn_40_2 → wrn_40_1 on CIFAR-100 (column WRN40-2-WRN40-1): 73.45 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs wrn_40_2:wrn_40_1 --methods pkt
 *
 * Time: about 2.5 days a seed on two CPU cores (estimated from a few steps, not run at this length).
 *
 * Recipe: RepDistiller's, whose number this is: on the embedding, no warm-up.
 *
 * The row stands in the first README of the released code only (d74c2ce); its HEAD left FitNet to CRD
 * out.
 */
import { crossEntropy, pkt } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'wrn_40_2:wrn_40_1',
  row: 'pkt',
  expected: 73.45,
  recipes: {
    pkt: publishedRecipe([crossEntropy(), pkt({ weight: 30000 })]),
  },
} satisfies Table1Cell;
