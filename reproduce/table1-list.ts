import CliTable from 'cli-table3';
import type { CostModel } from '../lib/study/cost';
import { clock } from '../lib/study/estimate';
import type { PlannedRun } from '../lib/study/plan';

/** What would run, how long it should take and what is done, as text or as one JSON object. */
export function listPlan(
  runs: readonly PlannedRun[],
  cost: CostModel,
  { json }: { json: boolean },
): string {
  const rows = runs.map((run) => ({
    pair: run.pair,
    method: run.method,
    seed: run.seed,
    epochs: run.recipe.epochs,
    epochsDone: run.epochsDone,
    state: run.finished ? 'finished' : run.epochsDone > 0 ? 'started' : 'to run',
    secondsLeft: Math.round(cost.secondsLeft(run)),
    directory: run.directory,
  }));
  const secondsLeft = rows.reduce((sum, row) => sum + row.secondsLeft, 0);
  if (json) return `${JSON.stringify({ runs: rows, secondsLeft })}\n`;
  const table = new CliTable({
    head: ['pair', 'method', 'seed', 'epochs', 'state', 'time left'],
    style: { head: [], border: [] },
  });
  for (const { pair, method, seed, epochs, epochsDone, state, secondsLeft: left } of rows) {
    table.push([pair, method, seed, `${epochsDone}/${epochs}`, state, clock(left)]);
  }
  return `${table.toString()}\n${rows.length} runs, about ${clock(secondsLeft)} left in all (measured, or estimated from one step here)\n`;
}
