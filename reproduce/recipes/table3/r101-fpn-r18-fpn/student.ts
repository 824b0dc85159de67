/**
 * The student alone of ResNet-101 → ResNet-18 on COCO (column R101-R18), Faster R-CNN with FPN. The
 * paper’s figures are not known to us: when they are, put them into results/paper/table3-coco.json,
 * and the AP here as `expected`.
 *
 *     npm run reproduce:table3 -- --scale paper --data-dir ~/coco --pairs r101-fpn:r18-fpn --methods student
 *
 * No configuration of the student alone was released: the settings are those of the distilled rows,
 * so that the rows differ in the losses only.
 *
 * The released configurations replace their base’s 16 images, learning rate 0.02 and 90,000
 * iterations by 8, 0.01 and 180,000: as many images.
 *
 * The released configuration gives this student RGB images but leaves the mean in the order of BGR,
 * and takes the teacher’s mean away before it swaps the channels, so that both see red and blue
 * shifted. Here each network gets the pixels it was trained for.
 */
import { detectronRecipe } from '../../coco';
import type { Table3Cell } from '../../table3-cell';

export const cell = {
  pair: 'r101-fpn:r18-fpn',
  row: 'student',
  expected: null,
  recipe: detectronRecipe([]),
} satisfies Table3Cell;
