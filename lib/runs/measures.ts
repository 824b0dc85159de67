import { isFinished, type Run } from './store';

/** One value a seed from finished runs. */
export function bySeed(
  runs: readonly Run[],
  value: (run: Run) => number | undefined,
): Map<number, number> {
  const values = new Map<number, number>();
  for (const run of runs.filter(isFinished)) {
    const found = value(run);
    if (found !== undefined) values.set(run.config.seed, found);
  }
  return values;
}

/** Top-1 after the last epoch, in percent. */
export function lastTop1(run: Run): number | undefined {
  return run.metrics.at(-1)?.testTop1;
}

/** That of a method's finished runs, by seed. */
export function top1BySeed(runs: readonly Run[], method: string): Map<number, number> {
  return bySeed(
    runs.filter(({ config }) => config.method === method),
    lastTop1,
  );
}

/** The epoch with the highest top-1, the first of equals. */
export function bestEpoch(run: Run): { epoch: number; top1: number } | undefined {
  const top1 = Math.max(...run.metrics.map(({ testTop1 }) => testTop1));
  const best = run.metrics.find(({ testTop1 }) => testTop1 === top1);
  return best && { epoch: best.epoch, top1 };
}
