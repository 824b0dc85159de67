/**
 * RKD of ResNet50 → MobileNetV2 on CIFAR-100 (column R50-MBV2): 64.43 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs ResNet50:MobileNetV2 --methods rkd
 *
 * Time: about 9 days a seed on two CPU cores (estimated from a few steps, not run at this length).
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
  pair: 'ResNet50:MobileNetV2',
  row: 'rkd',
  expected: 64.43,
  recipes: {
    rkd: publishedRecipe([crossEntropy(), rkd({ weight: 1, distance: 25, angle: 50 })], {
      learningRate: 0.01,
    }),
  },
} satisfies Table1Cell;
