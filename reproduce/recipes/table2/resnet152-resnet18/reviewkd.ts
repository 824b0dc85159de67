/**
 * ReviewKD of resnet152 → resnet18 on ImageNet (larger teachers, R152): 71.39 % in the paper, the mean
 * of five trials.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet152:resnet18 --methods reviewkd
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
  pair: 'resnet152:resnet18',
  row: 'reviewkd',
  expected: 71.39,
  recipes: {
    reviewkd: withoutNormDirection(plusPlus.recipes['reviewkd++']),
  },
} satisfies Table1Cell;
