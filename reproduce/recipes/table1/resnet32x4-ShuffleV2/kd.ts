/**
 * KD of resnet32x4 → ShuffleV2 on CIFAR-100 (column R32x4-SV2): 74.45 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV2 --methods kd-published,kd
 *
 * Time: about 11 days a seed and recipe on two CPU cores (estimated from a few steps, not run at this
 * length).
 *
 * The paper's number is RepDistiller's, so kd-published has its recipe: cross entropy 0.1, KD 0.9 from
 * the first epoch, no warm-up.
 *
 * kd is the recipe of KD++ with the ND weight 0, the base that shows what ND alone adds; the paper has
 * no number of it.
 */
import { crossEntropy, kd } from '../../../../lib/distill/terms';
import { publishedRecipe, withoutNormDirection } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './kd++';

export const cell = {
  pair: 'resnet32x4:ShuffleV2',
  row: 'kd',
  expected: 74.45,
  recipes: {
    'kd-published': publishedRecipe(
      [crossEntropy({ weight: 0.1 }), kd({ weight: 0.9, temperature: 4 })],
      { learningRate: 0.01 },
    ),
    kd: withoutNormDirection(plusPlus.recipes['kd++']),
  },
} satisfies Table1Cell;
