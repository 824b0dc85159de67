/**
 * DKD++ of resnet32x4 → resnet8x4 on CIFAR-100 (column R32x4-R8x4): 76.28 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:resnet8x4 --methods dkd++
 *
 * Time: about 6 days a seed on two CPU cores (estimated from a few steps, not run at this length).
 *
 * Weights: the released scripts at fc6f3f9. They show no learning rate for resnet8x4: 0.1 is their
 * default.
 *
 * As released, the script reads resnet56's class means whatever the teacher: its 64 numbers a class do
 * not fit resnet32x4's 256, so the line must be changed by hand. Here they are made from the teacher
 * that is used, and not rounded.
 *
 * A batch of 64 for each of two GPUs there is a batch of 128 here. The released script keeps the best
 * of its 240 test accuracies; here the number is that of the last epoch, and the best stands in a
 * column of its own.
 */
import { crossEntropy, dkd, normDirection, warmUp } from '../../../../lib/distill/terms';
import { paperRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet32x4:resnet8x4',
  row: 'dkd++',
  expected: 76.28,
  recipes: {
    'dkd++': paperRecipe([
      crossEntropy(),
      warmUp(20, dkd({ alpha: 2, beta: 8, temperature: 4 })),
      normDirection({ weight: 0.5 }),
    ]),
  },
} satisfies Table1Cell;
