import type { TrainingData } from '../train/batch-source';
import { needs } from '../distill/terms';
import { readProvenance } from '../results/store';
import { measureNetwork, type NetworkSpeed } from './estimate';
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
 *
 * @param onTiming hears of each network that is timed, which takes some seconds.
 */
export function costModel(
  dataset: TrainingData,
  runs: readonly PlannedRun[],
  onTiming: (network: string) => void = () => undefined,
): CostModel {
  const epochs = new Map<string, number>();
  for (const run of runs) {
    const seconds = readProvenance(run.directory)?.secondsPerEpoch.at(-1);
    if (seconds !== undefined) epochs.set(keyOf(run), seconds);
  }
  const speeds = new Map<string, NetworkSpeed>();
  const speedOf = (network: string): NetworkSpeed => {
    const known = speeds.get(network);
    if (known) return known;
    onTiming(network);
    const speed = measureNetwork(network, dataset);
    speeds.set(network, speed);
    return speed;
  };
  const estimated = (run: PlannedRun): number => {
    const { student, teacher } = networksOf(run);
    const { training, evaluation } = speedOf(student);
    const taught = teacher === null ? 0 : speedOf(teacher).evaluation;
    return dataset.train.count * (training + taught) + dataset.test.count * evaluation;
  };
  return {
    measured: (run, seconds) => void epochs.set(keyOf(run), seconds),
    secondsLeft(run) {
      if (run.finished) return 0;
      const known = epochs.get(keyOf(run)) ?? estimated(run);
      epochs.set(keyOf(run), known);
      return known * (run.recipe.epochs - run.epochsDone);
    },
  };
}

/** A student alone runs no teacher, whatever pair it belongs to. */
function networksOf({ student, teacher, recipe }: PlannedRun): {
  student: string;
  teacher: string | null;
} {
  return { student, teacher: needs(recipe.method, 'teacher') ? teacher : null };
}

function keyOf(run: PlannedRun): string {
  const { student, teacher } = networksOf(run);
  return `${teacher ?? 'alone'}/${student}`;
}
