import { readDetectionMetrics } from '../../detection/training-metrics';
import { runDirectory } from '../../results/paths';
import { type Cell, pairName } from '../../study/grid';
import type { SharedRun } from '../../study/take-runs';
import type { DetectionRecipe } from './recipe';
import { isDetectionFinished } from './store';

/** A detector's run that a table consists of. */
export interface PlannedDetection extends SharedRun {
  /** As the results name it: `r101-fpn:r18-fpn`, or the teacher alone for its own run. */
  readonly pair: string;
  readonly method: string;
  readonly seed: number;
  readonly recipe: DetectionRecipe;
  /** By the last line of its metrics. */
  readonly iterationsDone: number;
  readonly finished: boolean;
}

export interface DetectionPlanOptions {
  readonly study: string;
  readonly resultsRoot: string;
  /** Of the method `teacher`, only the teacher's own run is planned, once for all seeds. */
  readonly cells: readonly Cell[];
  /** The seed of every teacher that is trained here; students of all seeds share it. */
  readonly teacherSeed: number;
  readonly recipeOf: (cell: Cell) => DetectionRecipe;
  readonly teacherRecipeOf: (teacher: string) => DetectionRecipe;
  /** Teachers whose weights are given as files are not trained. */
  readonly givenTeachers: ReadonlySet<string>;
}

const teacherMethod = 'teacher';
const aloneMethod = 'student';

/** All runs in the order in which they run: a teacher before the first student that learns from it. */
export function planDetections(options: DetectionPlanOptions): PlannedDetection[] {
  const { cells, teacherSeed, recipeOf, teacherRecipeOf, givenTeachers } = options;
  const planned: PlannedDetection[] = [];
  const teachers = new Set(givenTeachers);
  for (const cell of cells) {
    const { teacher, student, method, seed } = cell;
    if (method !== aloneMethod && !teachers.has(teacher)) {
      teachers.add(teacher);
      planned.push(
        placed(options, {
          kind: 'teacher',
          pair: teacher,
          teacher: null,
          student: teacher,
          method: teacherMethod,
          seed: teacherSeed,
          recipe: teacherRecipeOf(teacher),
        }),
      );
    }
    if (method === teacherMethod) continue;
    planned.push(
      placed(options, {
        kind: 'cell',
        pair: pairName(cell),
        teacher: method === aloneMethod ? null : teacher,
        student,
        method,
        seed,
        recipe: recipeOf(cell),
      }),
    );
  }
  return planned;
}

function placed(
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
