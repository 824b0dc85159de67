/**
 * CRD of resnet56 → resnet20 on CIFAR-100 (column R56-R20): 71.16 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet56:resnet20 --methods crd
 *
 * Time: about 1 day a seed on two CPU cores (estimated from a few steps, not run at this length).
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
  pair: 'resnet56:resnet20',
  row: 'crd',
  expected: 71.16,
  recipes: {
    crd: publishedRecipe([
      crossEntropy(),
      crd({ weight: 0.8, size: 128, negatives: 16384, temperature: 0.07, momentum: 0.5 }),
    ]),
  },
} satisfies Table1Cell;
