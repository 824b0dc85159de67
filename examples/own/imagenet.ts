import { crossEntropy, kd, normDirection, warmUp } from 'norm-direction-lab';
import { imageNetRecipe, type Table1Cell } from 'norm-direction-lab/recipes';

const kdTerm = warmUp(5, kd({ weight: 1, temperature: 1 }));

export const cell: Table1Cell = {
  table: 'table2',
  pair: 'resnet34:resnet18', // teacher:student
  row: 'kd++-x2',
  recipes: { 'kd++-x2': imageNetRecipe([crossEntropy(), kdTerm, normDirection({ weight: 2 })]) },
};
