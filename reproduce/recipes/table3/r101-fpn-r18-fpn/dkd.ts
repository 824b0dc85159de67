/**
 * DKD of ResNet-101 → ResNet-18 on COCO (column R101-R18), Faster R-CNN with FPN. The paper’s
 * figures are not known to us: when they are, put them into results/paper/table3-coco.json, and the
 * AP here as `expected`.
 *
 *     npm run reproduce:table3 -- --scale paper --data-dir ~/coco --pairs r101-fpn:r18-fpn --methods dkd
 *
 * Weights: mdistiller’s released settings for detectors (e8c5bb3): alpha 1, beta 0.25, temperature
 * 1; background counts as a class.
 *
 * The file of this name in the official code has 30,010 iterations, left over from gathering class
 * means.
 *
 * The released configurations replace their base’s 16 images, learning rate 0.02 and 90,000
 * iterations by 8, 0.01 and 180,000: as many images.
 *
 * The released configuration gives this student RGB images but leaves the mean in the order of BGR,
 * and takes the teacher’s mean away before it swaps the channels, so that both see red and blue
 * shifted. Here each network gets the pixels it was trained for.
 */
import { dkd } from '../../../../lib/distill/terms';
import { detectronRecipe } from '../../coco';
import type { Table3Cell } from '../../table3-cell';

export const cell = {
  pair: 'r101-fpn:r18-fpn',
  row: 'dkd',
  expected: null,
  recipe: detectronRecipe([dkd({ alpha: 1, beta: 0.25, temperature: 1 })]),
} satisfies Table3Cell;
