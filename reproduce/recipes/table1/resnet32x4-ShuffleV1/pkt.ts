/**
 * PKT of resnet32x4 → ShuffleV1 on CIFAR-100 (column R32x4-SV1): 74.10 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV1 --methods pkt
 *
 * Time: about 11 days a seed on two CPU cores (estimated from a few steps, not run at this length).
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
  pair: 'resnet32x4:ShuffleV1',
  row: 'pkt',
  expected: 74.1,
  recipes: {
    pkt: publishedRecipe([crossEntropy(), pkt({ weight: 30000 })], { learningRate: 0.01 }),
  },
} satisfies Table1Cell;
