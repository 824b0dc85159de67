/**
 * DKD of ResNet-50 → MobileNetV2 on COCO (column R50-MV2), Faster R-CNN with FPN. The paper’s
 * figures are not known to us: when they are, put them into results/paper/table3-coco.json, and the
 * AP here as `expected`.
 *
 *     npm run reproduce:table3 -- --scale paper --data-dir ~/coco --pairs r50-fpn:mobilenet_v2-fpn --methods dkd
 *
 * Weights: mdistiller’s released settings for detectors (e8c5bb3): alpha 1, beta 0.25, temperature
 * 1; background counts as a class.
 *
 * The released configurations replace their base’s 16 images, learning rate 0.02 and 90,000
 * iterations by 8, 0.01 and 180,000: as many images.
 *
 * The released configuration gives this student BGR images with a standard deviation of 1 and
 * trains the whole backbone (FREEZE_AT 0). Here it gets the pixels that torchvision’s weights were
 * trained for, and the whole backbone is trained.
 */
import { dkd } from '../../../../lib/distill/terms';
import { detectronRecipe } from '../../coco';
import type { Table3Cell } from '../../table3-cell';

export const cell = {
  pair: 'r50-fpn:mobilenet_v2-fpn',
  row: 'dkd',
  expected: null,
  recipe: detectronRecipe([dkd({ alpha: 1, beta: 0.25, temperature: 1 })]),
} satisfies Table3Cell;
