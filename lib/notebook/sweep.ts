import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Classification } from '../runs/classification';
import { runTitle } from '../runs/console-reporter';
import type { StudyEvents } from '../runs/run-study';
import type { SweepOptions } from '../runs/sweep/options';
import type { SweepResult } from '../runs/sweep/result';
import { sweep } from '../runs/sweep/sweep';
import { show } from './display';
import { epochsInCell } from './train';

/** What `sweep` takes; where its runs are to be kept may be left out. */
export type CellSweepOptions<T extends string, S extends string, M extends string> = Omit<
  SweepOptions<T, S, M>,
  'name' | 'events'
> & { readonly name?: string };

/** Characters of a run's title, so that the bars stand below each other. */
const titleWidth = 34;

/**
 * Runs a sweep under live progress in the cell, a line for each training. Its runs are kept where
 * `results` says, and the same cell then trains only what is missing; without `results` nothing is kept.
 *
 * @throws LabError as `sweep` does.
 */
export async function sweepInCell<const T extends string, const S extends string, M extends string>(
  options: CellSweepOptions<T, S, M>,
): Promise<SweepResult<T, S, M>> {
  const { name = 'cell', results } = options;
  const folder = results ?? mkdtempSync(join(tmpdir(), 'norm-direction-cell-'));
  try {
    return await sweep({ ...options, name, results: folder, events: shownEvents });
  } finally {
    if (results === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

const shownEvents: StudyEvents<Classification> = {
  onRun: (run) => epochsInCell(runTitle(run).padEnd(titleWidth), run.recipe.epochs),
  onRunEnd: (run, outcome) => {
    if (outcome !== 'trained') show({ 'text/plain': `${runTitle(run)}: ${outcome}` });
  },
};
