/**
 * ReviewKD of wrn_40_2 → wrn_40_1 on CIFAR-100 (column WRN40-2-WRN40-1): 75.09 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs wrn_40_2:wrn_40_1 --methods reviewkd-published,reviewkd
 *
 * Time: about 2.5 days a seed and recipe on two CPU cores (estimated from a few steps, not run at this
 * length).
 *
 * The paper's number is ReviewKD's own, so reviewkd-published has the recipe of its repository: batch
 * 128, Nesterov and warm-up as in the ++ rows, with a weight of its own. It normalises with CIFAR-10's
 * mean and deviation; here CIFAR-100's are used.
 *
 * reviewkd is the recipe of ReviewKD++ with the ND weight 0, the base that shows what ND alone adds;
 * the paper has no number of it.
 */
import { crossEntropy, reviewKd, warmUp } from '../../../../lib/distill/terms';
import { paperRecipe, withoutNormDirection } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './reviewkd++';

export const cell = {
  pair: 'wrn_40_2:wrn_40_1',
  row: 'reviewkd',
  expected: 75.09,
  recipes: {
    'reviewkd-published': paperRecipe([crossEntropy(), warmUp(20, reviewKd({ weight: 5 }))]),
    reviewkd: withoutNormDirection(plusPlus.recipes['reviewkd++']),
  },
} satisfies Table1Cell;
