/**
 * PKT of resnet56 → resnet20 on CIFAR-100 (column R56-R20): 70.34 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet56:resnet20 --methods pkt
 *
 * Time: about 1 day a seed on two CPU cores (estimated from a few steps, not run at this length).
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
  pair: 'resnet56:resnet20',
  row: 'pkt',
  expected: 70.34,
  recipes: {
    pkt: publishedRecipe([crossEntropy(), pkt({ weight: 30000 })]),
  },
} satisfies Table1Cell;
