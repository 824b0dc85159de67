/**
 * CRD of resnet34 → resnet18 on ImageNet (column R34-R18): 71.17 % in the paper.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet34:resnet18 --methods crd
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * Recipe: mdistiller’s (batch 256, learning rate 0.1, no warm-up). Its memories hold 128 numbers of
 * every training image for both networks: 1.3 GB with ImageNet’s 1,281,167 images.
 */
import { crd, crossEntropy } from '../../../../lib/distill/terms';
import { publishedRecipe } from '../../imagenet';
import type { Table1Cell } from '../../table1-cell';

export const cell = {
  pair: 'resnet34:resnet18',
  row: 'crd',
  expected: 71.17,
  recipes: {
    crd: publishedRecipe(
      [
        crossEntropy(),
        crd({ weight: 0.8, size: 128, negatives: 16384, temperature: 0.07, momentum: 0.5 }),
      ],
      { batchSize: 256 },
    ),
  },
} satisfies Table1Cell;
