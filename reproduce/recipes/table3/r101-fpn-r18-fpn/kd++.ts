/**
 * KD++ of ResNet-101 → ResNet-18 on COCO (column R101-R18), Faster R-CNN with FPN. The paper’s
 * figures are not known to us: when they are, put them into results/paper/table3-coco.json, and the
 * AP here as `expected`.
 *
 *     npm run reproduce:table3 -- --scale paper --data-dir ~/coco --pairs r101-fpn:r18-fpn --methods kd++
 *
 * Weights: the released configuration at fc6f3f9.
 *
 * KL divergence at temperature 1 between the class logits of the sampled regions, background
 * included; no warm-up.
 *
 * ND on the 1024 outputs of the box head for every sampled region, background included (81 class
 * means); teacher and student heads look at the student’s regions; no warm-up.
 *
 * The released code keeps a running sum over 30,000 training iterations of the teacher and always
 * reads the file of the ResNet-101 teacher (a line must be changed by hand for another teacher).
 * Here the means are gathered from the teacher that is used.
 *
 * The released configurations replace their base’s 16 images, learning rate 0.02 and 90,000
 * iterations by 8, 0.01 and 180,000: as many images.
 *
 * The released configuration gives this student RGB images but leaves the mean in the order of BGR,
 * and takes the teacher’s mean away before it swaps the channels, so that both see red and blue
 * shifted. Here each network gets the pixels it was trained for.
 */
import { kd, normDirection } from '../../../../lib/distill/terms';
import { detectronRecipe } from '../../coco';
import type { Table3Cell } from '../../table3-cell';

export const cell = {
  pair: 'r101-fpn:r18-fpn',
  row: 'kd++',
  expected: null,
  recipe: detectronRecipe([kd({ weight: 1, temperature: 1 }), normDirection({ weight: 1.5 })]),
} satisfies Table3Cell;
