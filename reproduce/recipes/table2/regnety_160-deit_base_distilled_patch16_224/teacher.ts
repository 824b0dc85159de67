/**
 * regnety_160, the teacher of regnety_160 → deit_base_distilled_patch16_224 on ImageNet (DeiT): 82.9 %
 * in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs regnety_160:deit_base_distilled_patch16_224 --methods teacher
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * The paper takes DeiT's published weights of it (regnety_160-a5fe301d). The recipe below is
 * torchvision's for ResNets and serves quick runs only: give its weights.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { torchvisionRecipe } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'regnety_160:deit_base_distilled_patch16_224',
  row: 'teacher',
  expected: 82.9,
  recipes: {
    teacher: torchvisionRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
