import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** How still a machine is. */
export interface Noise {
  /** Processors that others use while this process waits. */
  readonly busy: number;
  /** How much longer than the median the slowest tenth of equal pieces of work takes, as a share. */
  readonly spread: number;
}

/** More of the processors than this, and timings mean little. */
export const quietBusy = 0.1;

const waited = 1000;
const pieces = 40;
const additions = 4_000_000;

/** Measures both, in some 1.2 seconds. */
export async function measureNoise(milliseconds = waited): Promise<Noise> {
  const before = usedMs();
  await setTimeout(milliseconds);
  const after = usedMs();
  const elapsed = after.all - before.all;
  const busy = elapsed > 0 ? (cpus().length * (after.used - before.used)) / elapsed : NaN;
  piece();
  const times = Array.from({ length: pieces }, piece).sort((one, other) => one - other);
  const at = (share: number): number => times[Math.floor(share * pieces)] ?? NaN;
  return { busy, spread: at(0.9) / at(0.5) - 1 };
}

/** `others use 0.02 of 2 processors; equal work varies by 3 %` */
export function noiseInWords({ busy, spread }: Noise): string {
  return `others use ${busy.toFixed(2)} of ${cpus().length} processors, equal work varies by ${(100 * spread).toFixed(0)} %`;
}

function usedMs(): { readonly used: number; readonly all: number } {
  let used = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = Object.values(times).reduce((total, time) => total + time, 0);
    all += sum;
    used += sum - times.idle;
  }
  return { used, all };
}

function piece(): number {
  const started = performance.now();
  let sum = 0;
  for (let index = 0; index < additions; index++) sum = (sum + index) | 0;
  return performance.now() - started + (sum === 1 ? 1 : 0);
}
