/**
 * resnet32x4, the teacher of resnet32x4 → resnet8x4 on CIFAR-100 (column R32x4-R8x4): 79.42 % in the
 * paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:resnet8x4 --methods teacher
 *
 * Time: not run here at this length; the same command with `--list` estimates it on your machine.
 *
 * The paper takes the published checkpoint (mdistiller's cifar_teachers.tar); a student that learnt
 * from a teacher trained here is never called a match. Recipe: mdistiller's for training without a
 * teacher, one run with seed 0 for all students.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../cifar';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet32x4:resnet8x4',
  row: 'teacher',
  expected: 79.42,
  recipes: {
    teacher: publishedRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
