import { kd, normDirection } from 'norm-direction-lab';
import { detectronRecipe, type Table3Cell } from 'norm-direction-lab/recipes';

export const cell: Table3Cell = {
  pair: 'r101-fpn:r18-fpn', // small pairs take its loss terms
  row: 'kd+nd-x0.5',
  recipe: detectronRecipe([kd({ weight: 1, temperature: 1 }), normDirection({ weight: 0.75 })]),
};
