/**
 * DKD of vit_small_patch16_224 → resnet18 on ImageNet (vision transformers as teachers, ViT-S): 71.21
 * % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs vit_small_patch16_224:resnet18 --methods dkd
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
  pair: 'vit_small_patch16_224:resnet18',
  row: 'dkd',
  expected: 71.21,
  recipes: {
    dkd: withoutNormDirection(plusPlus.recipes['dkd++']),
  },
} satisfies Table1Cell;
