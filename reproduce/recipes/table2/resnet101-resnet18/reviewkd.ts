/**
 * ReviewKD of resnet101 → resnet18 on ImageNet (larger teachers, R101): 70.95 % in the paper, the mean
 * of five trials.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet101:resnet18 --methods reviewkd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * reviewkd is the recipe of ReviewKD++ with the ND weight 0, the base that shows what ND alone adds.
 * The paper does not say in which recipe its number was made.
 */
import { withoutNormDirection } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './reviewkd++';

export const cell = {
  pair: 'resnet101:resnet18',
  row: 'reviewkd',
  expected: 70.95,
  recipes: {
    reviewkd: withoutNormDirection(plusPlus.recipes['reviewkd++']),
  },
} satisfies Table1Cell;
