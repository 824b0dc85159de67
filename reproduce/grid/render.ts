import { studyNames } from '../../lib/results/store';
import { isRunHeld } from '../../lib/study/run-lock';
import type { GridOptions } from './command';
import { planGrid, runsFolder } from './plan';
import type { GridSettings } from './settings';
import type { GridStudy } from './study';

/** Renders the view from the run files, writes it and prints it. */
export async function renderGrid(
  study: GridStudy,
  settings: GridSettings,
  options: GridOptions,
): Promise<void> {
  const { files, json, terminal } = await study.render({
    resultsRoot: options.results,
    study: runsFolder(settings),
    all: studyNames(options.results, settings.scope.prefix),
    options,
  });
  process.stdout.write(
    options.json ? `${JSON.stringify({ files, table: json })}\n` : `${terminal}\n`,
  );
  process.stderr.write(`Written: ${files.join(', ')}\n`);
}

/** Renders the view when the whole grid is finished; says what is missing otherwise. */
export async function renderWhenComplete(
  study: GridStudy,
  settings: GridSettings,
  options: GridOptions,
): Promise<void> {
  const whole = planGrid(settings, options.results, settings.grid);
  const unfinished = whole.filter(({ finished }) => !finished);
  if (unfinished.length === 0) return renderGrid(study, settings, options);
  const running = unfinished.filter(({ directory }) => isRunHeld(directory));
  process.stderr.write(
    `Done here. Of the whole grid ${unfinished.length} of ${whole.length} runs are not finished, ` +
      `${running.length} of them under way elsewhere: who finishes last renders the table (--render shows what is there).\n`,
  );
  if (options.json) {
    const places = unfinished.map(({ directory }) => directory);
    process.stdout.write(`${JSON.stringify({ files: [], unfinished: places })}\n`);
  }
}
