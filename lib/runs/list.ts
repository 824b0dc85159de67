import { freemem, totalmem } from 'node:os';
import CliTable from 'cli-table3';
import { gibibytes } from '../files';
import { formatDuration } from '../format-duration';
import type { CostModel } from './cost';
import { isRunHeld } from './lock';
import type { PlannedRun, RunRecipe } from './plan';
import type { AnyRunStore } from './store';
import type { MemoryEstimate } from './task';

/** A plan of more runs is summed up by pair. */
const mostRuns = 24;

interface ListOptions {
  readonly json: boolean;
  readonly unit: AnyRunStore['unit'];
  /** What the networks should take, where it was estimated. */
  readonly memory?: readonly MemoryEstimate[];
  /** `2/8` where only a part of the grid is listed. */
  readonly shard?: string | undefined;
}

/** What would run, how long it should take and what is done, as text or as one JSON object. */
export function listPlan<Recipe extends RunRecipe>(
  runs: readonly PlannedRun<Recipe>[],
  cost: CostModel<Recipe>,
  { json, unit, shard, memory = [] }: ListOptions,
): string {
  const rows = runs.map((run) => listed(run, cost));
  const secondsLeft = sumOf(rows);
  if (json) {
    const named = rows.map(({ length, done, ...row }) => ({
      ...row,
      [`${unit}s`]: length,
      [`${unit}sDone`]: done,
    }));
    return `${JSON.stringify({ shard, runs: named, secondsLeft, ...(memory.length > 0 ? { memory } : {}) })}\n`;
  }
  const lines = [
    rows.length > mostRuns ? byPair(rows, unit) : byRun(rows, unit),
    `${shard === undefined ? '' : `Part ${shard}: `}${rows.length} runs, about ${formatDuration(secondsLeft)} left in all ` +
      '(measured, or estimated from one step here; class means and a detector’s evaluation are not counted)',
    ...memoryInWords(memory),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** The estimates as lines, with a way out where they do not fit. */
export function memoryInWords(estimates: readonly MemoryEstimate[]): string[] {
  return estimates.map(({ pair, method, samples, totalBytes }) => {
    const tight = totalBytes > totalmem();
    return (
      `Memory of ${pair} (${method}): about ${gibibytes(totalBytes)} with ${samples} images at once; this machine has ` +
      `${gibibytes(totalmem())}, ${gibibytes(freemem())} of it free${tight ? ': give a smaller --micro-batch' : ''}.`
    );
  });
}

interface ListedRun {
  readonly pair: string;
  readonly method: string;
  readonly seed: number;
  readonly length: number;
  readonly done: number;
  readonly state: 'finished' | 'running' | 'started' | 'to run';
  readonly secondsLeft: number;
  readonly directory: string;
}

function listed<Recipe extends RunRecipe>(
  run: PlannedRun<Recipe>,
  cost: CostModel<Recipe>,
): ListedRun {
  const { pair, method, seed, length, done, directory } = run;
  // Of what is not done no run takes nothing.
  const secondsLeft = Math.ceil(cost.secondsLeft(run));
  return { pair, method, seed, length, done, state: stateOf(run), secondsLeft, directory };
}

function stateOf({ finished, directory, done }: PlannedRun<RunRecipe>): ListedRun['state'] {
  if (finished) return 'finished';
  if (isRunHeld(directory)) return 'running';
  return done > 0 ? 'started' : 'to run';
}

function byRun(rows: readonly ListedRun[], unit: string): string {
  const table = tableOf(['pair', 'method', 'seed', `${unit}s`, 'state', 'time left']);
  for (const { pair, method, seed, length, done, state, secondsLeft } of rows) {
    table.push([pair, method, seed, `${done}/${length}`, state, formatDuration(secondsLeft)]);
  }
  return table.toString();
}

function byPair(rows: readonly ListedRun[], unit: string): string {
  const head = ['pair', 'methods', 'seeds', 'runs', 'finished', `${unit}s`, 'time left'];
  const table = tableOf(head);
  for (const pair of new Set(rows.map((row) => row.pair))) {
    const own = rows.filter((row) => row.pair === pair);
    table.push([
      own[0]?.method === 'teacher' ? `teacher ${pair}` : pair,
      new Set(own.map(({ method }) => method)).size,
      new Set(own.map(({ seed }) => seed)).size,
      own.length,
      own.filter(({ state }) => state === 'finished').length,
      `${total(own, ({ done }) => done)}/${total(own, ({ length }) => length)}`,
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
