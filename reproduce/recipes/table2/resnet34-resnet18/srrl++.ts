/**
 * SRRL++ of resnet34 → resnet18 on ImageNet (column R34-R18): the paper prints no such row.
 *
 *     npm run reproduce:table2 -- --scale paper --pairs resnet34:resnet18 --methods srrl++
 *
 * Time: days on one GPU, and not run here at this length; the same command with `--list` estimates
 * time and memory on your machine.
 *
 * SRRL’s published recipe with the ND loss.
 *
 * The paper has no such row: the weight 1 of ND is ours, and nothing was tuned.
 */
import { normDirection } from '../../../../lib/distill/terms';
import type { Table1Cell } from '../../table1-cell';
import { cell as plain } from './srrl';

export const cell = {
  pair: 'resnet34:resnet18',
  row: 'srrl++',
  expected: null,
  recipes: {
    'srrl++': {
      ...plain.recipes.srrl,
      terms: [...plain.recipes.srrl.terms, normDirection({ weight: 1 })],
    },
  },
} satisfies Table1Cell;
