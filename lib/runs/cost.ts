import type { PlannedRun, RunRecipe } from './plan';
import type { Task, TaskKind } from './task';

/** How long runs take: measured where it could be, estimated from one step otherwise. */
export interface CostModel<Recipe extends RunRecipe> {
  /** Seconds that what is left of a run will take. */
  secondsLeft(run: PlannedRun<Recipe>): number;
  /** Notes a measured epoch or iteration. */
  measured(run: PlannedRun<Recipe>, seconds: number): void;
}

/**
 * Costs by what a run trains: of its own record, else of one that takes about as long, else of a step.
 *
 * @param onTiming hears of each network that is timed, which takes some seconds.
 */
export function costModel<Kind extends TaskKind>(
  { store, costs }: Pick<Task<Kind>, 'store' | 'costs'>,
  runs: readonly PlannedRun<Kind['recipe']>[],
  onTiming: (what: string) => void = () => undefined,
): CostModel<Kind['recipe']> {
  const units = new Map<string, number>();
  for (const run of runs) {
    const provenance = store.readProvenance(run.directory);
    const seconds = provenance === null ? undefined : store.unitSeconds(provenance);
    if (seconds !== undefined) units.set(costs.key(run), seconds);
  }
  return {
    measured: (run, seconds) => void units.set(costs.key(run), seconds),
    secondsLeft(run) {
      const left = run.finished ? 0 : run.length - run.done;
      if (left <= 0) return 0;
      const seconds = units.get(costs.key(run)) ?? costs.estimate(run, onTiming);
      units.set(costs.key(run), seconds);
      return left * seconds;
    },
  };
}

/** What all of these runs will still take, in seconds. */
export function secondsLeftOf<Recipe extends RunRecipe>(
  runs: readonly PlannedRun<Recipe>[],
  cost: CostModel<Recipe>,
): number {
  return runs.reduce((sum, run) => sum + cost.secondsLeft(run), 0);
}
