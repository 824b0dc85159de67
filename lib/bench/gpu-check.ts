import { type Precision, precisions } from '../engine/precision';
import { lastLines, type ProgramResult } from '../engine/program';
import type { PairSteps } from './pair-steps';

/** A part of the check, which says in words what it found. */
export interface CheckPart {
  readonly name: string;
  /** Seconds that it may take, where so many are left. */
  readonly most: number;
  /**
   * Does it; throws where something is wrong.
   *
   * @param limit what is left of its time
   */
  run(limit: PartLimit): Promise<PartFinding>;
}

export interface PartLimit {
  readonly signal: AbortSignal;
  /** Milliseconds until the part has to end. */
  readonly left: () => number;
}

/** What a part found. */
interface PartFinding {
  readonly says: string;
  /** For the record. */
  readonly data?: unknown;
  /** Whether it could not be tried here. */
  readonly skipped?: boolean;
}

/** What came of a part. */
export interface PartResult {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  readonly says: string;
  readonly data?: unknown;
}

const interrupted = 'interrupted';

/**
 * Does one part after the other, whatever becomes of those before, until the time is over or the signal is aborted;
 * what is left is then skipped.
 */
export async function runParts(
  parts: readonly CheckPart[],
  options: {
    readonly seconds: number;
    readonly signal: AbortSignal;
    readonly onPart?: (part: CheckPart, place: number, secondsLeft: number) => void;
    readonly onResult?: (result: PartResult) => void;
  },
): Promise<PartResult[]> {
  const { signal, onPart, onResult } = options;
  const end = performance.now() + 1000 * options.seconds;
  const results: PartResult[] = [];
  for (const [place, part] of parts.entries()) {
    const left = (end - performance.now()) / 1000;
    const reason = signal.aborted ? interrupted : left < 1 ? 'no time left' : undefined;
    if (reason === undefined) onPart?.(part, place, left);
    const result: PartResult =
      reason === undefined
        ? await resultOf(part, { signal, seconds: Math.min(left, part.most) })
        : { name: part.name, state: 'skipped', seconds: 0, says: reason };
    onResult?.(result);
    results.push(result);
  }
  return results;
}

async function resultOf(
  part: CheckPart,
  { signal, seconds }: { readonly signal: AbortSignal; readonly seconds: number },
): Promise<PartResult> {
  const { name } = part;
  const started = performance.now();
  const timeout = AbortSignal.timeout(Math.ceil(1000 * seconds));
  const limit = {
    signal: AbortSignal.any([signal, timeout]),
    left: () => Math.max(1, started + 1000 * seconds - performance.now()),
  };
  const taken = (): number => Math.round((performance.now() - started) / 100) / 10;
  try {
    const { skipped = false, ...found } = await part.run(limit);
    return { name, state: skipped ? 'skipped' : 'passed', seconds: taken(), ...found };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (signal.aborted) return { name, state: 'skipped', seconds: taken(), says: interrupted };
    const says = timeout.aborted ? `not done in ${seconds.toFixed(0)} s` : why;
    return { name, state: 'failed', seconds: taken(), says };
  }
}

/** The output of a program that ended well. */
export function outputOf(what: string, { status, stdout, stderr }: ProgramResult): string {
  if (status === 0) return stdout;
  throw new Error(`${what}: ${lastLines(stderr, 3) || `exit status ${String(status)}`}`);
}

/** The lines that `pair-steps` printed. */
export function readPairSteps(output: string): PairSteps[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as PairSteps);
}

/** Last bits move what a step changes by up to half a percent, and its losses by less than a thousandth of that. */
const changeAllowance = 10;

/** The largest relative difference of any loss of a pair, or a tenth of that of the change that its step makes. */
export function stepsApart(
  found: Pick<PairSteps, 'losses' | 'change'>,
  expected: Pick<PairSteps, 'losses' | 'change'>,
): number {
  const relative = (own: number, value: number): number => Math.abs(own - value) / Math.abs(value);
  const apart = expected.losses.map((value, index) => relative(found.losses[index] ?? NaN, value));
  const all = [...apart, relative(found.change, expected.change) / changeAllowance];
  return all.some(Number.isNaN) || apart.length === 0 ? Infinity : Math.max(...all);
}

/** How far apart a pair's steps lie in a precision, or why they could not be compared. */
export interface StepsRow {
  readonly precision: Precision;
  readonly pair: string;
  readonly apart: number | null;
  readonly refused?: string;
}

/** By how much losses may differ from the CPU's in float32, relative; what a step changes by ten times as much. */
const tolerances: Readonly<Record<Precision, number>> = { f32: 1e-3, tf32: 1e-2, bf16: 5e-2 };

/**
 * What was compared, in words.
 *
 * @throws Error where losses lie too far apart, a precision compared nothing, or float32 not everything.
 */
export function stepsSummary(rows: readonly StepsRow[]): string {
  const words: string[] = [];
  const wrong: string[] = [];
  for (const precision of precisions) {
    const own = rows.filter((row) => row.precision === precision);
    const compared = own.flatMap(({ apart }) => apart ?? []);
    if (compared.length > 0) {
      const most = Math.max(...compared).toExponential(1);
      words.push(`${precision}: ${compared.length} pairs, up to ${most} apart`);
    }
    for (const { pair, apart, refused } of own) {
      const where = `${pair} in ${precision}`;
      if (apart !== null && !(apart <= tolerances[precision])) {
        wrong.push(`${where} is ${apart} from the CPU’s losses`);
      } else if (apart === null && (precision === 'f32' || compared.length === 0)) {
        wrong.push(`${where} was not compared: ${refused ?? 'no steps'}`);
      }
    }
  }
  if (rows.length === 0) wrong.push('no pair took a step');
  if (wrong.length > 0) throw new Error([...wrong, ...words].join('; '));
  return words.join('; ');
}
