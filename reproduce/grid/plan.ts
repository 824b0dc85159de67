import { isTrainedInAnotherPair } from '../../lib/study/alone';
import type { Cell } from '../../lib/study/grid';
import { type PlannedRun, planRuns } from '../../lib/study/plan';
import { isAlone } from './alone-once';
import { type GridSettings, teacherSeed } from './settings';

/** Runs on other data, of another length or in another precision lie apart, so that none stands in another's way. */
export function runsFolder({ scope, scale, dataLabel, precision }: GridSettings): string {
  const suffix = precision === 'f32' ? '' : `-${precision}`;
  return `${scope.prefix}${scale}-${dataLabel}${suffix}`;
}

/** The runs of these cells and their teachers, as they stand on disk now. */
export function planGrid(
  settings: GridSettings,
  resultsRoot: string,
  cells: readonly Cell[],
): PlannedRun[] {
  const { recipeOf, teacherRecipeOf, givenTeachers, aloneOnce } = settings;
  const study = runsFolder(settings);
  const runs = planRuns({
    study,
    resultsRoot,
    cells,
    teacherSeed,
    recipeOf,
    teacherRecipeOf,
    givenTeachers: new Set(givenTeachers.keys()),
  });
  return aloneOnce
    ? runs.filter((run) => !isAlone(run) || !isTrainedInAnotherPair(run, resultsRoot, study))
    : runs;
}
