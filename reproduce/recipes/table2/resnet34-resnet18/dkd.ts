/**
 * DKD of resnet34 → resnet18 on ImageNet (column R34-R18): 71.70 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet34:resnet18 --methods dkd-published,dkd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * The number is that of mdistiller’s README, and dkd-published has its recipe (α 1, β 0.5, T = 1, no
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
  pair: 'resnet34:resnet18',
  row: 'dkd',
  expected: 71.7,
  recipes: {
    'dkd-published': publishedRecipe([
      crossEntropy(),
      dkd({ alpha: 1, beta: 0.5, temperature: 1 }),
    ]),
    dkd: withoutNormDirection(plusPlus.recipes['dkd++']),
  },
} satisfies Table1Cell;
