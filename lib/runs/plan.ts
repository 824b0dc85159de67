import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Method } from '../distill/terms';
import { resultsError } from '../errors';
import { hashJson } from '../records';
import type { TrainingRecipe } from '../train/recipe';
import { type Cell, isBaseline, pairName } from './grid';
import { runDirectory, runFiles, studyDirectory } from './paths';
import { assertSameTraining } from './same-recipe';
import type { AnyRunStore } from './store';

/** What the recipes of all tasks have. */
export interface RunRecipe {
  readonly student: string;
  readonly method: Method;
  readonly batchSize: number;
  readonly precision?: 'bf16' | 'tf32';
}

/** The method of the teachers' own runs. */
export const teacherMethod = 'teacher';

/** A run that a study consists of. */
export interface PlannedRun<Recipe extends RunRecipe = TrainingRecipe> {
  readonly kind: 'teacher' | 'cell';
  /** `resnet56:resnet20`, or the teacher alone for its own run. */
  readonly pair: string;
  /** Whose run must be finished before; null without one. */
  readonly teacher: string | null;
  readonly student: string;
  readonly method: string;
  readonly seed: number;
  readonly recipe: Recipe;
  readonly directory: string;
  /** Its epochs or iterations, and those that are on disk already. */
  readonly length: number;
  readonly done: number;
  readonly finished: boolean;
  /** Finished by its record, whose weights are not there: a committed run, or one merged without them. */
  readonly recordOnly?: boolean;
}

export interface PlanOptions<Recipe extends RunRecipe> {
  readonly store: AnyRunStore;
  readonly study: string;
  readonly resultsRoot: string;
  /** Of the method `teacher`, only the teacher's own run is planned, once for all seeds. */
  readonly cells: readonly Cell[];
  /** The seed of every teacher that is trained here; students of all seeds share it. */
  readonly teacherSeed: number;
  readonly recipeOf: (cell: Cell) => Recipe;
  readonly teacherRecipeOf: (model: string) => Recipe;
  /** Teachers whose weights are given as files are not trained. */
  readonly givenTeachers: ReadonlySet<string>;
  /** Whether a student alone wants a teacher, to be measured against; so unless given. */
  readonly baselinesHaveTeachers?: boolean;
  /** Whether a student alone that was trained beside one teacher serves for the others. */
  readonly sharedBaselines?: boolean;
}

/** All runs of a study in the order in which they run: a teacher before its first student. */
export function planRuns<Recipe extends RunRecipe>(
  options: PlanOptions<Recipe>,
): PlannedRun<Recipe>[] {
  const { cells, teacherSeed, recipeOf, teacherRecipeOf, givenTeachers } = options;
  const { baselinesHaveTeachers = true, sharedBaselines = false } = options;
  const planned: PlannedRun<Recipe>[] = [];
  const teachers = new Set<string>(givenTeachers);
  for (const cell of cells) {
    const taught = baselinesHaveTeachers || !isBaseline(cell);
    if (taught && !teachers.has(cell.teacher)) {
      teachers.add(cell.teacher);
      planned.push(
        plannedRun(options, {
          kind: 'teacher',
          pair: cell.teacher,
          teacher: null,
          student: cell.teacher,
          method: teacherMethod,
          seed: teacherSeed,
          recipe: teacherRecipeOf(cell.teacher),
        }),
      );
    }
    if (cell.method === teacherMethod) continue;
    const run = plannedRun(options, {
      kind: 'cell',
      pair: pairName(cell),
      teacher: taught ? cell.teacher : null,
      student: cell.student,
      method: cell.method,
      seed: cell.seed,
      recipe: recipeOf(cell),
    });
    if (sharedBaselines && isBaseline(cell) && isTrainedInAnotherPair(run, options)) continue;
    planned.push(run);
  }
  return planned;
}

function plannedRun<Recipe extends RunRecipe>(
  { store, study, resultsRoot }: PlanOptions<Recipe>,
  run: Omit<PlannedRun<Recipe>, 'directory' | 'length' | 'done' | 'finished' | 'recordOnly'>,
): PlannedRun<Recipe> {
  const directory = runDirectory(resultsRoot, { ...run, study });
  const isWhole = store.isFinishedIn(directory);
  const recordOnly =
    !isWhole &&
    store.outputs.every((name) => name === runFiles.weights || existsSync(join(directory, name))) &&
    existsSync(join(directory, runFiles.config)) &&
    store.isFinished(store.readRun(directory));
  return {
    ...run,
    directory,
    length: store.lengthOf(run.recipe),
    done: store.doneIn(directory),
    finished: isWhole || recordOnly,
    recordOnly,
  };
}

/**
 * Checks before any of them begins that runs can go on where they lie: that what was begun there has their
 * recipe, and that no teacher is needed of which only the record is left, since another training of it would
 * be another teacher than its finished students'.
 *
 * @throws LabError of kind `results`.
 */
export function requireGoesOn<Recipe extends RunRecipe>(
  runs: readonly PlannedRun<Recipe>[],
  store: AnyRunStore,
): void {
  for (const run of runs) assertSameTraining(run, store);
  const wanted = new Set(runs.flatMap(({ finished, teacher }) => (finished ? [] : teacher)));
  const lost = runs.find(
    ({ kind, student, recordOnly }) => kind === 'teacher' && recordOnly && wanted.has(student),
  );
  if (lost === undefined) return;
  throw resultsError`a teacher is recorded as finished, but its weights are not here (${lost.directory}): found no weights.safetensors. Name another results directory with --results, which trains it and its students anew, or give its weights with --teacher-weights`;
}

/**
 * Whether a student alone was trained to its end in another pair of the study, by the same recipe and
 * seed: it learns from no teacher, so that one run serves for all of them.
 */
function isTrainedInAnotherPair<Recipe extends RunRecipe>(
  { directory, recipe }: PlannedRun<Recipe>,
  { store, resultsRoot, study }: PlanOptions<Recipe>,
): boolean {
  const root = studyDirectory(resultsRoot, study);
  if (!existsSync(root)) return false;
  const [seed, method] = [basename(directory), basename(dirname(directory))];
  const wanted = hashJson(recipe);
  return readdirSync(root)
    .map((pair) => join(root, pair, method, seed))
    .filter((other) => other !== directory && existsSync(join(other, runFiles.provenance)))
    .some((other) => {
      const run = store.readRun(other);
      return store.isFinished(run) && hashJson(run.config.recipe['training']) === wanted;
    });
}
