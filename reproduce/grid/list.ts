import CliTable from 'cli-table3';
import type { CostModel } from '../../lib/study/cost';
import { formatDuration } from '../../lib/format-duration';
import type { PlannedRun } from '../../lib/study/plan';
import { type MemoryEstimate, memoryInWords } from '../../lib/study/memory';
import { isRunHeld } from '../../lib/study/run-lock';

/** A plan of more runs is summed up by pair. */
const mostRuns = 24;

export interface ListOptions {
  readonly json: boolean;
  /** What the networks should take, where it was estimated. */
  readonly memory?: readonly MemoryEstimate[];
  /** `2/8` where only a part of the grid is listed. */
  readonly shard?: string | undefined;
}

/** What would run, how long it should take and what is done, as text or as one JSON object. */
export function listPlan(
  runs: readonly PlannedRun[],
  cost: CostModel,
  { json, shard, memory = [] }: ListOptions,
): string {
  const rows = runs.map((run) => listed(run, cost));
  const secondsLeft = sumOf(rows);
  if (json) {
    return `${JSON.stringify({ ...(shard === undefined ? {} : { shard }), runs: rows, secondsLeft, ...(memory.length > 0 ? { memory } : {}) })}\n`;
  }
  const what = shard === undefined ? '' : `Part ${shard}: `;
  return (
    `${rows.length > mostRuns ? byPair(rows) : byRun(rows)}\n` +
    `${what}${rows.length} runs, about ${formatDuration(secondsLeft)} left in all (measured, or estimated from one step here)\n` +
    memoryInWords(memory)
      .map((line) => `${line}\n`)
      .join('')
  );
}

interface ListedRun {
  readonly pair: string;
  readonly method: string;
  readonly seed: number;
  readonly epochs: number;
  readonly epochsDone: number;
  readonly state: 'finished' | 'running' | 'started' | 'to run';
  readonly secondsLeft: number;
  readonly directory: string;
}

function listed(run: PlannedRun, cost: CostModel): ListedRun {
  const { pair, method, seed, recipe, epochsDone, finished, directory } = run;
  return {
    pair,
    method,
    seed,
    epochs: recipe.epochs,
    epochsDone,
    state: finished
      ? 'finished'
      : isRunHeld(directory)
        ? 'running'
        : epochsDone > 0
          ? 'started'
          : 'to run',
    secondsLeft: Math.round(cost.secondsLeft(run)),
    directory,
  };
}

function byRun(rows: readonly ListedRun[]): string {
  const table = tableOf(['pair', 'method', 'seed', 'epochs', 'state', 'time left']);
  for (const { pair, method, seed, epochs, epochsDone, state, secondsLeft } of rows) {
    table.push([pair, method, seed, `${epochsDone}/${epochs}`, state, formatDuration(secondsLeft)]);
  }
  return table.toString();
}

function byPair(rows: readonly ListedRun[]): string {
  const table = tableOf(['pair', 'methods', 'seeds', 'runs', 'finished', 'epochs', 'time left']);
  for (const pair of new Set(rows.map((row) => row.pair))) {
    const own = rows.filter((row) => row.pair === pair);
    table.push([
      own[0]?.method === 'teacher' ? `teacher ${pair}` : pair,
      new Set(own.map(({ method }) => method)).size,
      new Set(own.map(({ seed }) => seed)).size,
      own.length,
      own.filter(({ state }) => state === 'finished').length,
      `${total(own, ({ epochsDone }) => epochsDone)}/${total(own, ({ epochs }) => epochs)}`,
      formatDuration(sumOf(own)),
    ]);
  }
  return `${table.toString()}\n--json lists every run.`;
}

function tableOf(head: string[]): CliTable.Table {
  return new CliTable({ head, style: { head: [], border: [] } });
}

function sumOf(rows: readonly ListedRun[]): number {
  return total(rows, ({ secondsLeft }) => secondsLeft);
}

function total(rows: readonly ListedRun[], of: (row: ListedRun) => number): number {
  return rows.reduce((sum, row) => sum + of(row), 0);
}
