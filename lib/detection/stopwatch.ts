/** What a part of a step, or a kind of operation, took. */
export interface PartTime {
  readonly name: string;
  readonly ms: number;
  readonly calls: number;
}

/** Times added up by name. */
export class Tally {
  readonly #parts = new Map<string, { ms: number; calls: number }>();

  /** Does `work`, and adds its time to that of this name. */
  time<Result>(name: string, work: () => Result): Result {
    const started = performance.now();
    const result = work();
    const part = this.#parts.get(name) ?? { ms: 0, calls: 0 };
    part.ms += performance.now() - started;
    part.calls++;
    this.#parts.set(name, part);
    return result;
  }

  /** On average over so many steps, the slowest first. */
  average(steps: number): PartTime[] {
    return [...this.#parts]
      .map(([name, { ms, calls }]) => ({ name, ms: ms / steps, calls: calls / steps }))
      .sort((a, b) => b.ms - a.ms);
  }
}

let listening: Tally | undefined;

/** Does `work`, and adds its time to that of its part while `timeParts` listens. */
export function partOfStep<Result>(name: string, work: () => Result): Result {
  return listening === undefined ? work() : listening.time(name, work);
}

/** Does `work` and gives the time of each part in it. */
export function timeParts(work: () => void): Tally {
  const tally = new Tally();
  listening = tally;
  try {
    work();
  } finally {
    listening = undefined;
  }
  return tally;
}
