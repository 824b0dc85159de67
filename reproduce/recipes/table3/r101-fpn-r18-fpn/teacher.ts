/**
 * The teacher of ResNet-101 → ResNet-18 on COCO (column R101-R18), Faster R-CNN with FPN. The
 * paper’s figures are not known to us: when they are, put them into results/paper/table3-coco.json,
 * and the AP here as `expected`.
 *
 *     npm run reproduce:table3 -- --scale paper --data-dir ~/coco --pairs r101-fpn:r18-fpn --methods teacher
 *
 * The official code takes detectron2’s published detector; which one it does not say, and the 3x
 * one (box AP 42.0 in its model zoo) is inferred. Give it with --teacher-weights: at --scale paper
 * no teacher is trained unless it is asked for with --methods teacher.
 */
import { publishedTeacherRecipe } from '../../coco';
import type { Table3Cell } from '../../table3-cell';

export const cell = {
  pair: 'r101-fpn:r18-fpn',
  row: 'teacher',
  expected: null,
  recipe: publishedTeacherRecipe,
} satisfies Table3Cell;
