/** What a part of a detector's step took. */
interface PartTime {
  ms: number;
  calls: number;
}

let parts: Map<string, PartTime> | undefined;

/** Does `work`, and adds its time to that of its part while `timeParts` listens. */
export function partOfStep<Result>(name: string, work: () => Result): Result {
  if (parts === undefined) return work();
  const started = performance.now();
  const result = work();
  const part = parts.get(name) ?? { ms: 0, calls: 0 };
  part.ms += performance.now() - started;
  part.calls++;
  parts.set(name, part);
  return result;
}

/** Does `work` and gives the time of each part in it. */
export function timeParts(work: () => void): ReadonlyMap<string, PartTime> {
  const measured = new Map<string, PartTime>();
  parts = measured;
  try {
    work();
  } finally {
    parts = undefined;
  }
  return measured;
}
