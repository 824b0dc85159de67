/**
 * SRRL of resnet34 → resnet18 on ImageNet (column R34-R18): 71.73 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet34:resnet18 --methods srrl
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * Recipe: the released code of SRRL (jingyang2017/KD_SRRL): batch 512, learning rate 0.2, no Nesterov,
 * weight 1, no warm-up.
 */
import { crossEntropy, srrl } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet34:resnet18',
  row: 'srrl',
  expected: 71.73,
  recipes: {
    srrl: publishedRecipe([crossEntropy(), srrl({ weight: 1 })]),
  },
} satisfies Table1Cell;
