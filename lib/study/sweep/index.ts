export type { SweepOptions, SweepRecipe } from './options';
export type { SweepCell, SweepDifference, SweepMeasure, SweepResult } from './result';
export { sweep } from './sweep';
