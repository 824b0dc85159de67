/**
 * ReviewKD of resnet34 → resnet18 on ImageNet (column R34-R18): 71.62 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet34:resnet18 --methods reviewkd-published,reviewkd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * reviewkd-published has mdistiller’s recipe (batch 256, learning rate 0.1, weight 1, no warm-up).
 *
 * reviewkd is the recipe of ReviewKD++ with the ND weight 0, the base that shows what ND alone adds;
 * the paper has no number of it.
 */
import { crossEntropy, reviewKd } from '../../../../lib/distill/terms';
import { publishedRecipe, withoutNormDirection } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './reviewkd++';

export const cell = {
  pair: 'resnet34:resnet18',
  row: 'reviewkd',
  expected: 71.62,
  recipes: {
    'reviewkd-published': publishedRecipe([crossEntropy(), reviewKd({ weight: 1 })], {
      batchSize: 256,
    }),
    reviewkd: withoutNormDirection(plusPlus.recipes['reviewkd++']),
  },
} satisfies Table1Cell;
