/**
 * KD of resnet101 → resnet18 on ImageNet (larger teachers, R101): 71.09 % in the paper, the mean of
 * five trials.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet101:resnet18 --methods kd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * kd is the recipe of KD++ with the ND weight 0, the base that shows what ND alone adds. The paper
 * does not say in which recipe its number was made.
 */
import { withoutNormDirection } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';
import { cell as plusPlus } from './kd++';

export const cell = {
  pair: 'resnet101:resnet18',
  row: 'kd',
  expected: 71.09,
  recipes: {
    kd: withoutNormDirection(plusPlus.recipes['kd++']),
  },
} satisfies Table1Cell;
