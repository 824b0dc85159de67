/**
 * resnet8x4 alone, the student of resnet32x4 → resnet8x4 on CIFAR-100 (column R32x4-R8x4): 72.50 % in
 * the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:resnet8x4 --methods student-published,student
 *
 * Time: about 2 to 3 days a seed and recipe on two CPU cores (estimated from a few steps, not run at
 * this length).
 *
 * The paper's number is RepDistiller's, so student-published has its recipe. student is the recipe of
 * the ++ rows without any teacher: the gains of those rows are measured against it.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { paperRecipe, publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet32x4:resnet8x4',
  row: 'student',
  expected: 72.5,
  recipes: {
    'student-published': publishedRecipe([crossEntropy()]),
    student: paperRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
