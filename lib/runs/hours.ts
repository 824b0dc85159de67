import { LabError } from '../errors';
import { formatDuration } from '../format-duration';
import { isStopping } from '../train/interruption';
import { runTitle } from './console-reporter';
import { type Cell, pairName } from './grid';
import type { PlannedRun, RunRecipe } from './plan';

/** The rows that tell most, first: the paper's claim, what it is measured against, then the other methods. */
const mostWorth = [
  'kd',
  'kd++',
  'student',
  'dkd++',
  'dkd',
  'dist++',
  'dist',
  'reviewkd++',
  'reviewkd',
];

/** A grid in the order of worth: the rows of a pair so that each more tells most; other seeds come after all of them. */
export function inOrderOfWorth(cells: readonly Cell[]): Cell[] {
  const places = new Map<string, number>();
  const placeOf = (key: string): number => {
    const place = places.get(key) ?? places.size;
    places.set(key, place);
    return place;
  };
  // As the grid has them: seed by seed, pair by pair.
  const keyed = cells.map((cell) => ({ cell, group: placeOf(`${cell.seed} ${pairName(cell)}`) }));
  const worth = ({ method }: Cell): number =>
    mostWorth.includes(method) ? mostWorth.indexOf(method) : mostWorth.length;
  return keyed
    .sort((a, b) => a.group - b.group || worth(a.cell) - worth(b.cell))
    .map(({ cell }) => cell);
}

/** What of a grid is run in the time there is. */
interface Picked<Recipe extends RunRecipe> {
  readonly runs: readonly PlannedRun<Recipe>[];
  /** When the last of them should be done. */
  readonly seconds: number;
  readonly left: readonly PlannedRun<Recipe>[];
}

/**
 * The runs that fit into a time, in the order in which they are given: each begins when a job is free and its
 * teacher is done. Where none fits, the first is begun, to go on another time.
 *
 * @param secondsLeft of a run in one of the jobs
 */
export function pickRuns<Recipe extends RunRecipe>(
  runs: readonly PlannedRun<Recipe>[],
  secondsLeft: (run: PlannedRun<Recipe>) => number,
  { seconds, jobs }: { readonly seconds: number; readonly jobs: number },
): Picked<Recipe> {
  const free = Array.from({ length: jobs }, () => 0);
  const taughtAt = new Map<string, number>();
  const picked: PlannedRun<Recipe>[] = [];
  for (const run of runs) {
    const job = free.indexOf(Math.min(...free));
    const ready = run.teacher === null ? 0 : (taughtAt.get(run.teacher) ?? 0);
    const end = Math.max(free[job] ?? 0, ready) + secondsLeft(run);
    if (run.kind === 'teacher') taughtAt.set(run.student, end);
    if (end > seconds) continue;
    picked.push(run);
    free[job] = end;
  }
  if (picked.every(({ finished }) => finished)) {
    const first = runs.find(({ finished }) => !finished);
    if (first !== undefined) picked.push(first);
  }
  const left = runs.filter((run) => !picked.includes(run));
  return { runs: picked, seconds: Math.max(...free), left };
}

/** At most this many runs are named. */
const shownRuns = 12;

/** What was picked, for the user. */
export function pickInWords<Recipe extends RunRecipe>(
  hours: number,
  { runs, seconds, left }: Picked<Recipe>,
): string {
  const named = runs.filter(({ finished }) => !finished).map(runTitle);
  if (named.length === 0) return `All ${runs.length} runs are done; there is nothing to run.`;
  const more = named.length > shownRuns ? ` and ${named.length - shownRuns} more` : '';
  const time = seconds > 0 ? `about ${formatDuration(seconds)}` : 'the first alone takes longer';
  const rest = left.length === 0 ? 'nothing is left out' : `${left.length} are left out`;
  return `In ${hours} h: ${named.slice(0, shownRuns).join(', ')}${more} (${time}); ${rest}. Whatever runs then is saved.`;
}

/** In milliseconds; a longer one ends at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * Does `work`, which Ctrl-C saves and ends, and does the same to it at a time, where nobody has done so before.
 *
 * @returns false when it was ended so
 */
export async function untilTime(
  until: number | undefined,
  work: () => Promise<void>,
): Promise<boolean> {
  if (until === undefined) {
    await work();
    return true;
  }
  let over = false;
  const end = (): void => {
    if (Date.now() < until) return wait();
    // A second Ctrl-C would end the process before everything is saved.
    if (isStopping()) return;
    over = true;
    process.emit('SIGINT');
  };
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    timer = setTimeout(end, Math.min(Math.max(until - Date.now(), 0), longestTimer));
  };
  wait();
  try {
    await work();
    return true;
  } catch (error) {
    if (over && error instanceof LabError && error.kind === 'interrupted') return false;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
