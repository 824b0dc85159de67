import type { DetectionRecipe } from '../../lib/runs/detection-recipe';
import type { LossTerm } from '../../lib/distill/terms';

/** A detector's recipe but for what its place in the table says: the student and the method's name. */
export interface Table3Recipe extends Omit<DetectionRecipe, 'student' | 'detector' | 'method'> {
  readonly terms: readonly LossTerm[];
}

/** One cell of table 3: a file below `recipes/table3/` exports it as `cell`. */
export interface Table3Cell {
  /** `r101-fpn:r18-fpn`, teacher first. */
  readonly pair: string;
  /** The row: `teacher`, `student`, `kd`, … */
  readonly row: string;
  /** The paper's box AP, in percent; null while it is not known to us. */
  readonly expected: number | null;
  readonly recipe: Table3Recipe;
}
