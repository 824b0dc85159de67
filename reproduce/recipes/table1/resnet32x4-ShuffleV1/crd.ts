/**
 * CRD of resnet32x4 → ShuffleV1 on CIFAR-100 (column R32x4-SV1): 75.11 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV1 --methods crd
 *
 * Time: about 11 days a seed on two CPU cores (estimated from a few steps, not run at this length).
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
  pair: 'resnet32x4:ShuffleV1',
  row: 'crd',
  expected: 75.11,
  recipes: {
    crd: publishedRecipe(
      [
        crossEntropy(),
        crd({ weight: 0.8, size: 128, negatives: 16384, temperature: 0.07, momentum: 0.5 }),
      ],
      { learningRate: 0.01 },
    ),
  },
} satisfies Table1Cell;
