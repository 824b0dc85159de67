/**
 * DKD of resnet152 → resnet18 on ImageNet (larger teachers, R152): 71.87 % in the paper, the mean of
 * five trials.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet152:resnet18 --methods dkd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * dkd is the recipe of DKD++ with the ND weight 0, the base that shows what ND alone adds. The paper
 * does not say in which recipe its number was made.
 */
import { withoutNormDirection } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './dkd++';

export const cell = {
  pair: 'resnet152:resnet18',
  row: 'dkd',
  expected: 71.87,
  recipes: {
    dkd: withoutNormDirection(plusPlus.recipes['dkd++']),
  },
} satisfies Table1Cell;
