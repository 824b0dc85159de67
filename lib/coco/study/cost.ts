import type { PlannedDetection } from './plan';
import { readDetectionProvenance } from './store';

/** How long runs take, as far as that is known. */
export interface DetectionCost {
  /** Of the rest of a run, without its evaluation; NaN while nothing is known of such runs. */
  secondsLeft(run: PlannedDetection): number;
  /** Tells the time of one iteration of a run. */
  measured(run: PlannedDetection, seconds: number): void;
}

/**
 * Times of runs from the records of those that are finished: of the run itself, else of one of the same
 * networks with a teacher or without.
 *
 * @param estimate seconds of an iteration where no such run is on record
 */
export function detectionCost(
  runs: readonly PlannedDetection[],
  estimate: (run: PlannedDetection) => number,
): DetectionCost {
  const pace = new Map<string, number>();
  for (const run of runs) {
    const seconds = readDetectionProvenance(run.directory)?.secondsPerIteration ?? null;
    if (seconds !== null) pace.set(kindOf(run), seconds);
  }
  return {
    secondsLeft(run) {
      const left = run.finished ? 0 : run.recipe.iterations - run.iterationsDone;
      if (left === 0) return 0;
      let seconds = pace.get(kindOf(run));
      if (seconds === undefined) {
        seconds = estimate(run);
        pace.set(kindOf(run), seconds);
      }
      return left * seconds;
    },
    measured: (run, seconds) => void pace.set(kindOf(run), seconds),
  };
}

/** Runs whose iterations take about as long. */
function kindOf({ pair, kind, teacher, recipe }: PlannedDetection): string {
  const review = recipe.method.terms.some(({ loss }) => loss === 'reviewPyramid');
  return [kind, kind === 'teacher' ? pair : recipe.student, teacher ?? 'alone', review].join(' ');
}
