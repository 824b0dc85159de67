/**
 * resnet18 alone, the student of resnet34 → resnet18 on ImageNet (column R34-R18): 69.76 % in the
 * paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet34:resnet18 --methods student-published,student
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * The paper's number is that of torchvision's weights, so student-published has torchvision's recipe.
 * student is the recipe of the ++ rows without any teacher: the gains of those rows are measured
 * against it.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { paperRecipe, torchvisionRecipe } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet34:resnet18',
  row: 'student',
  expected: 69.76,
  recipes: {
    'student-published': torchvisionRecipe([crossEntropy()]),
    student: paperRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
