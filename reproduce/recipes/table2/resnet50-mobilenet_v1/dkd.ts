/**
 * DKD of resnet50 → mobilenet_v1 on ImageNet (column R50-MV1): 72.05 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet50:mobilenet_v1 --methods dkd-published,dkd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * The number is that of mdistiller’s README, and dkd-published has its recipe (α 1, β 2, T = 1, no
 * warm-up).
 *
 * dkd is the recipe of DKD++ with the ND weight 0, the base that shows what ND alone adds; the paper
 * has no number of it.
 */
import { crossEntropy, dkd } from '../../../../lib/distill/terms';
import { publishedRecipe, withoutNormDirection } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './dkd++';

export const cell = {
  pair: 'resnet50:mobilenet_v1',
  row: 'dkd',
  expected: 72.05,
  recipes: {
    'dkd-published': publishedRecipe([crossEntropy(), dkd({ alpha: 1, beta: 2, temperature: 1 })]),
    dkd: withoutNormDirection(plusPlus.recipes['dkd++']),
  },
} satisfies Table1Cell;
