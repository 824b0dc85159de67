/**
 * ResNet50, the teacher of ResNet50 → MobileNetV2 on CIFAR-100 (column R50-MBV2): 79.34 % in the paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs ResNet50:MobileNetV2 --methods teacher
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
  pair: 'ResNet50:MobileNetV2',
  row: 'teacher',
  expected: 79.34,
  recipes: {
    teacher: publishedRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
