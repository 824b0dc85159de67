/**
 * resnet20 alone, the student of resnet56 → resnet20 on CIFAR-100 (column R56-R20): 69.06 % in the
 * paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet56:resnet20 --methods student-published,student
 *
 * Time: about 8 to 12 hours a seed and recipe on two CPU cores (estimated from a few steps, not run at
 * this length).
 *
 * The paper's number is RepDistiller's, so student-published has its recipe. student is the recipe of
 * the ++ rows without any teacher: the gains of those rows are measured against it.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { paperRecipe, publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet56:resnet20',
  row: 'student',
  expected: 69.06,
  recipes: {
    'student-published': publishedRecipe([crossEntropy()]),
    student: paperRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
