/**
 * ReviewKD of resnet50 → mobilenet_v1 on ImageNet (column R50-MV1): 72.56 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet50:mobilenet_v1 --methods reviewkd-published,reviewkd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * reviewkd-published has mdistiller’s recipe (batch 256, learning rate 0.1, weight 8, no warm-up), and
 * its fusion blocks the names and sizes of the released ones; mdistiller limits their middle channels
 * to 256 for this pair, here 512.
 *
 * reviewkd is the recipe of ReviewKD++ with the ND weight 0, the base that shows what ND alone adds;
 * the paper has no number of it.
 */
import { crossEntropy, reviewKd } from '../../../../lib/distill/terms';
import { publishedRecipe, withoutNormDirection } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './reviewkd++';

export const cell = {
  pair: 'resnet50:mobilenet_v1',
  row: 'reviewkd',
  expected: 72.56,
  recipes: {
    'reviewkd-published': publishedRecipe([crossEntropy(), reviewKd({ weight: 8 })], {
      batchSize: 256,
    }),
    reviewkd: withoutNormDirection(plusPlus.recipes['reviewkd++']),
  },
} satisfies Table1Cell;
