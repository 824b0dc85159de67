import { type PlannedRun, planRuns } from '../lib/study/plan';
import type { Cell } from '../lib/study/grid';
import { type Table1Settings, teacherSeed } from './table1-settings';

/** Runs on other data or of another length lie apart, so that none stands in another's way. */
export function studyOf({ scale, data }: Table1Settings): string {
  return `table1-${scale}-${data}`;
}

/** The runs of these cells and their teachers, as they stand on disk now. */
export function planTable1(
  settings: Table1Settings,
  resultsRoot: string,
  cells: readonly Cell[],
): PlannedRun[] {
  const { recipeOf, teacherRecipeOf, givenTeachers } = settings;
  return planRuns({
    study: studyOf(settings),
    resultsRoot,
    cells,
    teacherSeed,
    recipeOf,
    teacherRecipeOf,
    givenTeachers: new Set(givenTeachers.keys()),
  });
}
