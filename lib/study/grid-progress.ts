import { formatDuration } from '../format-duration';
import type { PlannedRun } from './plan';

/** How far a grid is that several processes work on. */
export interface GridState {
  readonly runs: number;
  readonly runsDone: number;
  readonly epochs: number;
  readonly epochsDone: number;
}

/** Counts what is on disk. */
export function gridState(runs: readonly PlannedRun[]): GridState {
  const sum = (of: (run: PlannedRun) => number): number =>
    runs.reduce((total, run) => total + of(run), 0);
  return {
    runs: runs.length,
    runsDone: sum(({ finished }) => Number(finished)),
    epochs: sum(({ recipe }) => recipe.epochs),
    epochsDone: sum(({ epochsDone }) => epochsDone),
  };
}

/** `3/21 runs, 37/126 epochs, about 0:42 left`, by the pace since `start`. */
export function gridInWords(start: GridState, now: GridState, seconds: number): string {
  const pace = (now.epochsDone - start.epochsDone) / seconds;
  const left =
    pace > 0 ? `, about ${formatDuration((now.epochs - now.epochsDone) / pace)} left` : '';
  return `${now.runsDone}/${now.runs} runs, ${now.epochsDone}/${now.epochs} epochs${left}`;
}
