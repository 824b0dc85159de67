/**
 * deit_base_distilled_patch16_224 alone, the student of regnety_160 → deit_base_distilled_patch16_224
 * on ImageNet (DeiT): 81.8 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs regnety_160:deit_base_distilled_patch16_224 --methods student
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * The paper's number is DeiT's own of DeiT-B without a distillation token. student is the recipe of
 * DeiT++ without any teacher, its token untrained but through attention.
 */
import { softCrossEntropy } from '../../../../lib/distill/terms';
import { deitRecipe } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'regnety_160:deit_base_distilled_patch16_224',
  row: 'student',
  expected: 81.8,
  recipes: {
    student: deitRecipe([softCrossEntropy({ smoothing: 0.1 })]),
  },
} satisfies Table1Cell;
