/**
 * resnet152, the teacher of resnet152 → resnet18 on ImageNet (larger teachers, R152): 78.31 % in the
 * paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet152:resnet18 --methods teacher
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * The paper takes torchvision's first published weights; a student that learnt from a teacher trained
 * here is never called a match. Recipe: torchvision's, one run with seed 0 for all students.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { torchvisionRecipe } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet152:resnet18',
  row: 'teacher',
  expected: 78.31,
  recipes: {
    teacher: torchvisionRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
