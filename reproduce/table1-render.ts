import { isRunHeld } from '../lib/study/run-lock';
import { studyNames } from '../lib/results/store';
import { writeTable1 } from '../lib/report/write-table1';
import { isPaperRecipe, table1Methods } from './recipes/table1';
import type { Table1Options } from './table1-command';
import { planTable1, studyOf } from './table1-plan';
import type { Table1Settings } from './table1-settings';

/** Renders the table from the run files, writes it and prints it. */
export async function renderTable1(
  settings: Table1Settings,
  { results, json }: Table1Options,
): Promise<void> {
  const table = await writeTable1({
    resultsRoot: results,
    study: studyOf(settings),
    others: studyNames(results, 'table1-'),
    methods: table1Methods(),
    isPaperRecipe,
  });
  process.stdout.write(
    json ? `${JSON.stringify({ files: table.files, table: table.json })}\n` : `${table.terminal}\n`,
  );
  process.stderr.write(`Written: ${table.files.join(', ')}\n`);
}

/** Renders the table when the whole grid is finished; says what is missing otherwise. */
export async function renderWhenComplete(
  settings: Table1Settings,
  options: Table1Options,
): Promise<void> {
  const whole = planTable1(settings, options.results, settings.grid);
  const unfinished = whole.filter(({ finished }) => !finished);
  if (unfinished.length === 0) return renderTable1(settings, options);
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
