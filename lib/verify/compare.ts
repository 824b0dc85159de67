import type { ZodType } from 'zod';

import { fileError } from '../errors';
import { readJson } from '../files';
import { deterministic } from './deterministic';

/** What a case found: nothing, where all is as expected. */
export interface CaseOutcome {
  readonly mismatches: readonly Mismatch[];
  /** What a reader should know of how it was compared. */
  readonly note?: string;
}

/** One case of a file with reference values. */
export interface ReferenceCase {
  /** Unique within its file: `mixed/kd@4.0`. */
  readonly name: string;
  /**
   * Computes the case here and compares.
   *
   * @throws NotAvailable when this package cannot run it yet.
   */
  run(): CaseOutcome | Promise<CaseOutcome>;
}

/** How the reference values in a file (or a folder) of one name are checked. */
export interface Checker {
  /** Name in the directory: `losses.json`, `checkpoints`; with `*` for any part of it: `released-*.json`. */
  readonly entry: string;
  /**
   * The cases in it, none of them run.
   *
   * @throws LabError when the file cannot be read or has another form.
   */
  cases(path: string): ReferenceCase[];
}

/** Thrown by a case that this package cannot run yet; it counts as failed. */
export class NotAvailable extends Error {
  constructor(what: string) {
    super(`cannot be run yet: ${what}`);
    this.name = 'NotAvailable';
  }
}

const fix = 'Fetch the reference values again, or leave this file out with --parts';

/**
 * A file with reference values, of the given form.
 *
 * @throws LabError that names the first place with another form.
 */
export function readReference<T>(path: string, form: ZodType<T>): T {
  const result = form.safeParse(readJson(path, fix));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const found = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  throw fileError`a file with reference values has another form than expected (${path}): found ${found}. ${fix}`;
}

/** One quantity that is not as expected, in words ready to print. */
export interface Mismatch {
  /** Such as `gradient[17]`. */
  readonly quantity: string;
  readonly expected: string;
  readonly found: string;
}

interface NumberComparison {
  /** Allowed difference as a share of the largest expected entry. */
  readonly tolerance: number;
  /** What the difference is taken relative to, where that is not the largest expected entry. */
  readonly scale?: number;
}

/**
 * Numbers that must agree entry by entry: none may differ by more than `tolerance` times the largest
 * expected entry. Gives the entry that is furthest off, or nothing; a NaN is furthest of all.
 */
export function compareNumbers(
  quantity: string,
  expected: ArrayLike<number>,
  found: ArrayLike<number>,
  { tolerance, scale }: NumberComparison,
): Mismatch[] {
  if (expected.length !== found.length) {
    return compareText(`number of entries of ${quantity}`, expected.length, found.length);
  }
  const allowed = tolerance * (scale ?? largest(expected));
  let worst = { index: -1, difference: allowed };
  for (let index = 0; index < expected.length; index++) {
    const distance = Math.abs((found[index] ?? NaN) - (expected[index] ?? NaN));
    const difference = Number.isNaN(distance) ? Infinity : distance;
    // Written so that a tolerance that is not a number allows nothing.
    if (!(difference <= worst.difference)) worst = { index, difference };
  }
  if (worst.index < 0) return [];
  const place = expected.length === 1 ? '' : `[${worst.index}]`;
  return [
    {
      quantity: `${quantity}${place}`,
      expected: `${expected[worst.index]} ± ${Number(allowed.toPrecision(2))}`,
      found: String(found[worst.index]),
    },
  ];
}

/** One number; see `compareNumbers`. */
export function compareNumber(
  quantity: string,
  expected: number,
  found: number,
  comparison: NumberComparison,
): Mismatch[] {
  return compareNumbers(quantity, [expected], [found], comparison);
}

/** Two things that must read the same. */
export function compareText(
  quantity: string,
  expected: string | number,
  found: string | number,
): Mismatch[] {
  return expected === found ? [] : [{ quantity, expected: String(expected), found: String(found) }];
}

/** √Σx², in double precision. */
export function euclideanNorm(values: ArrayLike<number>): number {
  return Math.sqrt(total(values, (value) => value * value));
}

/** Σx / n, in double precision. */
export function meanOf(values: ArrayLike<number>): number {
  return total(values, (value) => value) / values.length;
}

function total(values: ArrayLike<number>, term: (value: number) => number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += term(values[i] ?? NaN);
  return sum;
}

function largest(values: ArrayLike<number>): number {
  let size = 0;
  for (let i = 0; i < values.length; i++) size = Math.max(size, Math.abs(values[i] ?? NaN));
  return size;
}

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

/** The numbers that have these names, each of which is compared by itself. */
export function namedStage(
  names: readonly string[],
  numbers: ReadonlyMap<string, number>,
  title = (name: string): string => name,
): Stage {
  return { name: names.map(title), values: names.map((name) => numbers.get(name) ?? NaN) };
}

/** Relative size of the disturbance: one unit in the last place of float32. */
const lastBit = 2 ** -23;
/** How often a computation is repeated at first, and where it misses what these allow. */
const repeats = [4, 24];
/** The repeats only sample the change, and the reference may lie on the other side of it. */
const margin = 3;

/** How far a result may be off. */
interface ComparisonLimits {
  /** Where rounding is no matter. */
  readonly tolerance: number;
  /** How far rounding moved the reference itself, where that was measured; relative, in its last stage. */
  readonly rounding?: number;
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
 * is well; else it is repeated on disturbed inputs, four times, or 24 where that is not enough, and each stage
 * is allowed three times what these moved in it or in an earlier one.
 *
 * @param compute gives the stages of `expected`, in that order, from disturbed inputs.
 */
export function compareStages(
  expected: readonly Stage[],
  compute: (disturbance: Disturbance) => readonly Stage[],
  { tolerance, rounding = 0, largestAllowance }: ComparisonLimits,
): CaseOutcome {
  const found = compute(undefined);
  const strict = expected.flatMap((stage, index) => compareStage(stage, found[index], tolerance));
  if (strict.length === 0) return { mismatches: [] };
  const disturbed: (readonly Stage[])[] = [];
  let outcome: CaseOutcome = { mismatches: strict };
  for (const count of repeats) {
    while (disturbed.length < count) disturbed.push(compute(disturbed.length + 1));
    const changes = largestChanges(found, disturbed);
    outcome = {
      mismatches: expected.flatMap((stage, index) => {
        const own = changes[index] ?? 0;
        const change = index === expected.length - 1 ? Math.max(own, rounding) : own;
        const allowance = Math.min(largestAllowance, margin * change);
        return compareStage(stage, found[index], tolerance + allowance);
      }),
      note: `compared with allowance: inputs changed in their last bit, ${count} times, move it by up to ${percent(changes.at(-1) ?? 0)}`,
    };
    if (outcome.mismatches.length === 0) break;
  }
  return outcome;
}

function compareStage(stage: Stage, found: Stage | undefined, allowed: number): Mismatch[] {
  const { name, values, strict } = stage;
  const tolerance = strict ?? allowed;
  const others = found?.values ?? [];
  if (typeof name === 'string') return compareNumbers(name, values, others, { tolerance });
  const scales = scalesOf(stage);
  return name.flatMap((each, index) =>
    compareNumber(each, values[index] ?? NaN, others[index] ?? NaN, {
      tolerance,
      scale: scales[index],
    }),
  );
}

/** What a difference of each value of a stage is relative to. */
function scalesOf({ name, values, smallest = 0 }: Stage): number[] {
  const largest = Math.max(...values.map(Math.abs));
  const floor = largest * (typeof name === 'string' ? 1 : smallest);
  return values.map((value) => Math.max(Math.abs(value), floor));
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

function changeOf(stage: Stage, other: Stage | undefined): number {
  const scales = scalesOf(stage);
  const changes = stage.values.map(
    (value, index) => Math.abs((other?.values[index] ?? NaN) - value) / (scales[index] ?? NaN),
  );
  // What is not a number earns no allowance.
  return Math.max(0, ...changes.filter(Number.isFinite));
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
