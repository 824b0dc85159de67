/**
 * KD of resnet50 → mobilenet_v1 on ImageNet (column R50-MV1): 70.50 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet50:mobilenet_v1 --methods kd-published,kd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * The number is that of mdistiller’s README. kd-published has mdistiller’s recipe: cross entropy 0.5,
 * KD 0.5 (T = 1), no warm-up.
 *
 * kd is the recipe of KD++ with the ND weight 0, the base that shows what ND alone adds; the paper has
 * no number of it.
 */
import { crossEntropy, kd } from '../../../../lib/distill/terms';
import { publishedRecipe, withoutNormDirection } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './kd++';

export const cell = {
  pair: 'resnet50:mobilenet_v1',
  row: 'kd',
  expected: 70.5,
  recipes: {
    'kd-published': publishedRecipe([
      crossEntropy({ weight: 0.5 }),
      kd({ weight: 0.5, temperature: 1 }),
    ]),
    kd: withoutNormDirection(plusPlus.recipes['kd++']),
  },
} satisfies Table1Cell;
