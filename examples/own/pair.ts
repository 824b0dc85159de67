import { crossEntropy, kd, normDirection, warmUp } from 'norm-direction-lab';
import { paperRecipe, type Table1Cell, withoutNormDirection } from 'norm-direction-lab/recipes';

const pair = 'resnet14:resnet8'; // teacher:student
const terms = [crossEntropy(), warmUp(20, kd({ weight: 1 })), normDirection({ weight: 2 })];
const plusPlus = paperRecipe(terms, { learningRate: 0.05 });

export const cells: Table1Cell[] = [
  { pair, row: 'kd++', recipes: { 'kd++': plusPlus } },
  { pair, row: 'kd', recipes: { kd: withoutNormDirection(plusPlus) } },
];
