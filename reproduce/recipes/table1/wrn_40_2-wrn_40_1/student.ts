/**
 * wrn_40_1 alone, the student of wrn_40_2 → wrn_40_1 on CIFAR-100 (column WRN40-2-WRN40-1): 71.98 % in
 * the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs wrn_40_2:wrn_40_1 --methods student-published,student
 *
 * Time: about 1 day a seed and recipe on two CPU cores (estimated from a few steps, not run at this
 * length).
 *
 * The paper's number is RepDistiller's, so student-published has its recipe. student is the recipe of
 * the ++ rows without any teacher: the gains of those rows are measured against it.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { paperRecipe, publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'wrn_40_2:wrn_40_1',
  row: 'student',
  expected: 71.98,
  recipes: {
    'student-published': publishedRecipe([crossEntropy()]),
    student: paperRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
