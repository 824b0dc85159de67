/**
 * mobilenet_v1 alone, the student of resnet50 → mobilenet_v1 on ImageNet (column R50-MV1): 68.87 % in
 * the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet50:mobilenet_v1 --methods student-published,student
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * Where the paper's number comes from was not found; student-published has the recipe of mdistiller's
 * rows with batch 256. student is the recipe of the ++ rows without any teacher: the gains of those
 * rows are measured against it.
 */
import { crossEntropy } from '../../../../lib/distill/terms';
import { paperRecipe, publishedRecipe } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet50:mobilenet_v1',
  row: 'student',
  expected: 68.87,
  recipes: {
    'student-published': publishedRecipe([crossEntropy()], { batchSize: 256 }),
    student: paperRecipe([crossEntropy()]),
  },
} satisfies Table1Cell;
