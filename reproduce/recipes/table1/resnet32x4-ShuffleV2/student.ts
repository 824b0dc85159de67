/**
 * ShuffleV2 alone, the student of resnet32x4 → ShuffleV2 on CIFAR-100 (column R32x4-SV2): 71.82 % in
 * the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV2 --methods student-published,student
 *
 * Time: about 4 to 5 days a seed and recipe on two CPU cores (estimated from a few steps, not run at
 * this length).
 *
 * The paper's number is RepDistiller's, so student-published has its recipe. MobileNetV2 and the
 * ShuffleNets train at 0.01 there. student is the recipe of the ++ rows without any teacher: the gains
 * of those rows are measured against it.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { paperRecipe, publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet32x4:ShuffleV2',
  row: 'student',
  expected: 71.82,
  recipes: {
    'student-published': publishedRecipe([crossEntropy()], { learningRate: 0.01 }),
    student: paperRecipe([crossEntropy()], { learningRate: 0.02 }),
  },
} satisfies Table1Cell;
