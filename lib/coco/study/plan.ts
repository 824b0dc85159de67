import { readDetectionMetrics } from '../../detection/training-metrics';
import { runDirectory } from '../../results/paths';
import { type Cell, pairName } from '../../study/grid';
import type { DetectionRecipe } from './recipe';
import { isDetectionFinished } from './store';

/** A detector's run that a table consists of. */
export interface PlannedDetection extends Cell {
  readonly kind: 'teacher' | 'cell';
  /** As the results name it: `r101-fpn:r18-fpn`, or the teacher alone for its own run. */
  readonly pair: string;
  readonly recipe: DetectionRecipe;
  readonly directory: string;
  /** By the last line of its metrics. */
  readonly iterationsDone: number;
  readonly finished: boolean;
}

export interface DetectionPlanOptions {
  readonly study: string;
  readonly resultsRoot: string;
  readonly cells: readonly Cell[];
  readonly teacherSeed: number;
  readonly recipeOf: (cell: Cell) => DetectionRecipe;
  /** Teachers whose weights are given as files are not trained. */
  readonly givenTeachers: ReadonlySet<string>;
}

const teacherMethod = 'teacher';
const aloneMethod = 'student';

/** All runs in the order in which they run: a teacher before the first student that learns from it. */
export function planDetections(options: DetectionPlanOptions): PlannedDetection[] {
  const { cells, teacherSeed, recipeOf, givenTeachers } = options;
  const planned: PlannedDetection[] = [];
  const teachers = new Set(givenTeachers);
  for (const cell of cells) {
    if (cell.method !== aloneMethod && !teachers.has(cell.teacher)) {
      teachers.add(cell.teacher);
      const run = { ...cell, method: teacherMethod, seed: teacherSeed };
      const recipe = recipeOf(run);
      planned.push(place(options, { ...run, kind: 'teacher', pair: cell.teacher, recipe }));
    }
    if (cell.method === teacherMethod) continue;
    planned.push(
      place(options, { ...cell, kind: 'cell', pair: pairName(cell), recipe: recipeOf(cell) }),
    );
  }
  return planned;
}

function place(
  { study, resultsRoot }: DetectionPlanOptions,
  run: Omit<PlannedDetection, 'directory' | 'iterationsDone' | 'finished'>,
): PlannedDetection {
  const directory = runDirectory(resultsRoot, { ...run, study });
  return {
    ...run,
    directory,
    iterationsDone: readDetectionMetrics(directory).at(-1)?.iteration ?? 0,
    finished: isDetectionFinished(directory),
  };
}
