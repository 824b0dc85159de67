import CliTable from 'cli-table3';
import type { DetectionCost } from '../../lib/coco/study/cost';
import type { PlannedDetection } from '../../lib/coco/study/plan';
import { formatDuration } from '../../lib/format-duration';
import { isRunHeld } from '../../lib/study/run-lock';

/** What would run, how long it should take and what is done, as text or as one JSON object. */
export function listDetections(
  runs: readonly PlannedDetection[],
  cost: DetectionCost,
  json: boolean,
): string {
  const rows = runs.map((run) => {
    const { pair, method, seed, recipe, iterationsDone, directory } = run;
    return {
      pair,
      method,
      seed,
      iterations: recipe.iterations,
      iterationsDone,
      state: stateOf(run),
      secondsLeft: Math.round(cost.secondsLeft(run)),
      directory,
    };
  });
  const secondsLeft = rows.reduce((sum, row) => sum + row.secondsLeft, 0);
  if (json) return `${JSON.stringify({ runs: rows, secondsLeft })}\n`;
  const table = new CliTable({
    head: ['pair', 'method', 'seed', 'iterations', 'state', 'time left'],
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    const done = `${row.iterationsDone}/${row.iterations}`;
    table.push([row.pair, row.method, row.seed, done, row.state, formatDuration(row.secondsLeft)]);
  }
  return (
    `${table.toString()}\n${rows.length} runs, about ${formatDuration(secondsLeft)} left in all, evaluations and class means not ` +
    'counted (measured, or estimated from one step here)\n'
  );
}

function stateOf({ finished, directory, iterationsDone }: PlannedDetection): string {
  if (finished) return 'finished';
  if (isRunHeld(directory)) return 'running';
  return iterationsDone > 0 ? 'started' : 'to run';
}
