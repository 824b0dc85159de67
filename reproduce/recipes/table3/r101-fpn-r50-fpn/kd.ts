/**
 * KD of ResNet-101 → ResNet-50 on COCO (column R101-R50), Faster R-CNN with FPN. The paper’s
 * figures are not known to us: when they are, put them into results/paper/table3-coco.json, and the
 * AP here as `expected`.
 *
 *     npm run reproduce:table3 -- --scale paper --data-dir ~/coco --pairs r101-fpn:r50-fpn --methods kd
 *
 * Source of the weight: KD++’s released configuration without its ND term; no configuration of KD
 * itself was released.
 *
 * KL divergence at temperature 1 between the class logits of the sampled regions, background
 * included; no warm-up.
 *
 * The released configurations replace their base’s 16 images, learning rate 0.02 and 90,000
 * iterations by 8, 0.01 and 180,000: as many images.
 */
import { kd } from '../../../../lib/distill/terms';
import { detectronRecipe } from '../../coco';
import type { Table3Cell } from '../../table3-cell';

export const cell = {
  pair: 'r101-fpn:r50-fpn',
  row: 'kd',
  expected: null,
  recipe: detectronRecipe([kd({ weight: 1, temperature: 1 })]),
} satisfies Table3Cell;
