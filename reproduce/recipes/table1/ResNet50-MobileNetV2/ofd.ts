/**
 * OFD of ResNet50 → MobileNetV2 on CIFAR-100 (column R50-MBV2): 69.04 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs ResNet50:MobileNetV2 --methods ofd
 *
 * Time: about 9 days a seed on two CPU cores (estimated from a few steps, not run at this length).
 *
 * Recipe: mdistiller's, the only one found for CIFAR-100; the number is older than it. No warm-up. As
 * there, the teacher's batch norms take the statistics of the batch, which no other row does.
 *
 * The row stands in the first README of the released code only (d74c2ce); its HEAD left FitNet to CRD
 * out.
 */
import { crossEntropy, ofd } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'ResNet50:MobileNetV2',
  row: 'ofd',
  expected: 69.04,
  recipes: {
    ofd: publishedRecipe([crossEntropy(), ofd({ weight: 0.001 })], { learningRate: 0.01 }),
  },
} satisfies Table1Cell;
