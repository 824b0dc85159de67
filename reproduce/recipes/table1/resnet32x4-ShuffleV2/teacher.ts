/**
 * resnet32x4, the teacher of resnet32x4 → ShuffleV2 on CIFAR-100 (column R32x4-SV2): 79.42 % in the
 * paper.
 *
 *     npm run reproduce:table1 -- --scale paper --pairs resnet32x4:ShuffleV2 --methods teacher
 *
 * Time: not run here at this length; the same command with `--list` estimates it on your machine.
 *
 * One teacher serves three pairs: its recipe stands beside resnet32x4 → resnet8x4.
 */
import type { Table1Cell } from '../../table1-cell';
import { cell as shared } from '../resnet32x4-resnet8x4/teacher';

export const cell = {
  pair: 'resnet32x4:ShuffleV2',
  row: 'teacher',
  expected: 79.42,
  recipes: {
    teacher: shared.recipes.teacher,
  },
} satisfies Table1Cell;
