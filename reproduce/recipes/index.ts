/**
 * What a file of recipes of one's own is written with.
 *
 * @module norm-direction-lab/recipes
 */
export { paperRecipe, publishedRecipe } from './cifar';
export {
  type CellRecipe,
  everyPair,
  type RecipeOfPair,
  type Table1Cell,
  withoutNormDirection,
} from './table1-cell';
export { deitRecipe, paperRecipe as imageNetRecipe } from './imagenet';
export { detectronRecipe } from './coco';
export type { Table3Cell, Table3Recipe } from './table3-cell';
