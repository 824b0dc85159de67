import type { DetectionRecipe } from '../../lib/runs/detection-recipe';
import type { LossTerm } from '../../lib/distill/terms';

/** A detector's recipe but for what its place in the table says: the student and the method's name. */
export interface Table3Recipe extends Omit<DetectionRecipe, 'student' | 'detector' | 'method'> {
  readonly terms: readonly LossTerm[];
}

/** One cell of table 3: a file of yours exports it as `cell`, or several as `cells`. */
export interface Table3Cell {
  /** `r101-fpn:r18-fpn`, teacher first. */
  readonly pair: string;
  /** The row: `student`, `kd`, … */
  readonly row: string;
  /** A box AP to keep in mind, in percent; the paper's belong into `results/paper/table3-coco.json`. */
  readonly expected?: number | null;
  readonly recipe: Table3Recipe;
}
