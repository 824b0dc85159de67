import type { CaseOutcome } from './checker';
import { compareNumber, compareNumbers, type Mismatch } from './compare';
import { deterministic } from './deterministic';

/*
 * Rounding alone may move a result far: a ReLU that one engine opens and another closes changes the
 * gradients of a deep network by parts in a thousand, and a training run amplifies that with every step.
 * Where a result misses its tolerance, it is computed again from inputs that differ in their last bit;
 * what that moves, no two engines can agree on any better.
 */

/** A disturbance of inputs; none for the computation itself. */
export type Disturbance = number | undefined;

/** Numbers of one stage of a computation. */
export interface Stage {
  /** One for each value, which is then compared relative to itself; or one for all of them, which are
   * then compared relative to the largest. */
  readonly name: string | readonly string[];
  readonly values: readonly number[];
  /** Values compared each by itself that are below this share of the largest count as that large. */
  readonly smallest?: number;
  /** The stage's own tolerance, which nothing loosens. */
  readonly strict?: number;
}

/** Relative size of the disturbance: one unit in the last place of float32. */
const lastBit = 2 ** -23;
const repeats = 4;
/** The repeats only sample the change, and the reference may lie on the other side of it. */
const margin = 3;

/** How far a result may be off. */
export interface ComparisonLimits {
  /** Where rounding is no matter. */
  readonly tolerance: number;
  /** A result that rounding moves further than this cannot be checked, and counts as failed. */
  readonly largestAllowance: number;
}

/** The values, each changed by up to one unit in the last place when there is a disturbance. */
export function disturb(values: Float32Array, disturbance: Disturbance): Float32Array {
  if (disturbance === undefined) return values;
  const noise = deterministic(`rounding/${disturbance}`, [values.length], lastBit);
  return values.map((value, index) => value * (1 + (noise[index] ?? 0)));
}

/**
 * Compares a computation stage by stage, each computed from those before it. Within the tolerance all
 * is well; else it is repeated on disturbed inputs, and each stage is allowed what these moved in it or
 * in an earlier one.
 *
 * @param compute gives the stages of `expected`, in that order, from disturbed inputs.
 */
export function compareStages(
  expected: readonly Stage[],
  compute: (disturbance: Disturbance) => readonly Stage[],
  { tolerance, largestAllowance }: ComparisonLimits,
): CaseOutcome {
  const found = compute(undefined);
  const strict = expected.flatMap((stage, index) => compareStage(stage, found[index], tolerance));
  if (strict.length === 0) return { mismatches: [] };
  const changes = largestChanges(
    found,
    Array.from({ length: repeats }, (_, index) => compute(index + 1)),
  );
  return {
    mismatches: expected.flatMap((stage, index) => {
      const allowance = Math.min(largestAllowance, margin * (changes[index] ?? 0));
      return compareStage(stage, found[index], tolerance + allowance);
    }),
    note: `compared with allowance: inputs changed in their last bit move it by up to ${percent(changes.at(-1) ?? 0)}`,
  };
}

function compareStage(
  { name, values, smallest = 0, strict }: Stage,
  found: Stage | undefined,
  allowed: number,
): Mismatch[] {
  const tolerance = strict ?? allowed;
  const others = found?.values ?? [];
  const floor = smallest * Math.max(...values.map(Math.abs));
  return typeof name === 'string'
    ? compareNumbers(name, values, others, { tolerance })
    : name.flatMap((each, index) => {
        const value = values[index] ?? NaN;
        const scale = Math.max(Math.abs(value), floor);
        return compareNumber(each, value, others[index] ?? NaN, { tolerance, scale });
      });
}

/** For each stage the largest relative change in it or before it. */
function largestChanges(
  stages: readonly Stage[],
  disturbed: readonly (readonly Stage[])[],
): number[] {
  let largest = 0;
  return stages.map((stage, index) => {
    for (const other of disturbed) largest = Math.max(largest, changeOf(stage, other[index]));
    return largest;
  });
}

function changeOf({ name, values }: Stage, other: Stage | undefined): number {
  const size = Math.max(...values.map(Math.abs));
  const changes = values.map((value, index) => {
    const scale = typeof name === 'string' ? size : Math.abs(value);
    return Math.abs((other?.values[index] ?? NaN) - value) / scale;
  });
  // What is not a number earns no allowance.
  return Math.max(0, ...changes.filter(Number.isFinite));
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
