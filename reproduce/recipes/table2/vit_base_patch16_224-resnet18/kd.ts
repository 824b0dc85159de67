/**
 * KD of vit_base_patch16_224 → resnet18 on ImageNet (vision transformers as teachers, ViT-B): 71.63 %
 * in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs vit_base_patch16_224:resnet18 --methods kd
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
  pair: 'vit_base_patch16_224:resnet18',
  row: 'kd',
  expected: 71.63,
  recipes: {
    kd: withoutNormDirection(plusPlus.recipes['kd++']),
  },
} satisfies Table1Cell;
