import { runDirectory } from '../results/paths';
import { readMetrics } from '../results/metrics';
import type { TrainingRecipe } from '../train/recipe';
import { isRunFinished } from './execute';
import { type Cell, pairName } from './grid';

/** A run that a study consists of. */
export interface PlannedRun {
  readonly kind: 'teacher' | 'cell';
  /** `resnet56:resnet20`, or the teacher alone for its own run. */
  readonly pair: string;
  readonly teacher: string | null;
  readonly student: string;
  readonly method: string;
  readonly seed: number;
  readonly recipe: TrainingRecipe;
  readonly directory: string;
  /** Epochs that are on disk already. */
  readonly epochsDone: number;
  readonly finished: boolean;
}

export interface PlanOptions {
  readonly study: string;
  readonly resultsRoot: string;
  /** Of the method `teacher`, only the teacher's own run is planned, once for all seeds. */
  readonly cells: readonly Cell[];
  /** The seed of every teacher that is trained here; students of all seeds share it. */
  readonly teacherSeed: number;
  readonly recipeOf: (cell: Cell) => TrainingRecipe;
  readonly teacherRecipeOf: (model: string) => TrainingRecipe;
  /** Teachers whose weights are given as files are not trained. */
  readonly givenTeachers: ReadonlySet<string>;
}

/** All runs of a study in the order in which they run: a teacher before its first student. */
export function planRuns(options: PlanOptions): PlannedRun[] {
  const { cells, teacherSeed, recipeOf, teacherRecipeOf, givenTeachers } = options;
  const planned: PlannedRun[] = [];
  const teachers = new Set<string>(givenTeachers);
  for (const cell of cells) {
    if (!teachers.has(cell.teacher)) {
      teachers.add(cell.teacher);
      planned.push(
        plannedRun(options, {
          kind: 'teacher',
          pair: cell.teacher,
          teacher: null,
          student: cell.teacher,
          method: 'teacher',
          seed: teacherSeed,
          recipe: teacherRecipeOf(cell.teacher),
        }),
      );
    }
    if (cell.method === 'teacher') continue;
    planned.push(
      plannedRun(options, {
        kind: 'cell',
        pair: pairName(cell),
        teacher: cell.teacher,
        student: cell.student,
        method: cell.method,
        seed: cell.seed,
        recipe: recipeOf(cell),
      }),
    );
  }
  return planned;
}

function plannedRun(
  { study, resultsRoot }: PlanOptions,
  run: Omit<PlannedRun, 'directory' | 'epochsDone' | 'finished'>,
): PlannedRun {
  const { pair, method, seed } = run;
  const directory = runDirectory(resultsRoot, { study, pair, method, seed });
  return {
    ...run,
    directory,
    epochsDone: readMetrics(directory).epochs.length,
    finished: isRunFinished(directory),
  };
}
