import type { ImageDataset } from '../data/types';
import { readProvenance } from '../results/store';
import { estimateEpochSeconds } from './estimate';
import type { PlannedRun } from './plan';

/** How long runs take: measured where it could be, estimated from one step otherwise. */
export interface CostModel {
  /** Seconds that what is left of a run will take. */
  secondsLeft(run: PlannedRun): number;
  /** Notes a measured epoch. */
  measured(run: PlannedRun, seconds: number): void;
}

/**
 * Costs by the pair of networks that a run trains and runs: the same student takes about as long under
 * any method of the same teacher.
 */
export function costModel(dataset: ImageDataset, runs: readonly PlannedRun[]): CostModel {
  const epochs = new Map<string, number>();
  for (const run of runs) {
    const seconds = readProvenance(run.directory)?.secondsPerEpoch.at(-1);
    if (seconds !== undefined) epochs.set(keyOf(run), seconds);
  }
  return {
    measured: (run, seconds) => void epochs.set(keyOf(run), seconds),
    secondsLeft(run) {
      if (run.finished) return 0;
      const key = keyOf(run);
      const known = epochs.get(key) ?? estimateEpochSeconds(networksOf(run), dataset);
      epochs.set(key, known);
      return known * (run.recipe.epochs - run.epochsDone);
    },
  };
}

/** A student alone runs no teacher, whatever pair it belongs to. */
function networksOf({ student, teacher, method }: PlannedRun): {
  student: string;
  teacher: string | null;
} {
  return { student, teacher: method === 'student' ? null : teacher };
}

function keyOf(run: PlannedRun): string {
  const { student, teacher } = networksOf(run);
  return `${teacher ?? 'alone'}/${student}`;
}
