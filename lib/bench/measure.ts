import { median } from 'simple-statistics';

/** Hears that so many of the steps of something are done. */
export type OnBenchProgress = (what: string, done: number, total: number) => void;

/** Steps before the counted ones: kernels are chosen, memory is taken and functions are made in these. */
export const warmUpSteps = 6;

/** Milliseconds that a call took. */
export function timeOnce(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** Milliseconds that each of `count` calls took. */
export function timeEach(
  work: () => void,
  count: number,
  onCall?: (done: number) => void,
): number[] {
  return Array.from({ length: count }, (_, index) => {
    const ms = timeOnce(work);
    onCall?.(index + 1);
    return ms;
  });
}

/** Median, least and most of some times. */
export interface TimeSummary {
  readonly ms: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export function summarise(times: readonly number[]): TimeSummary {
  return { ms: median([...times]), minMs: Math.min(...times), maxMs: Math.max(...times) };
}
