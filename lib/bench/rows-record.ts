import { existsSync, readFileSync } from 'node:fs';
import { median } from 'simple-statistics';
import { z } from 'zod';
import { resultsError } from '../errors';
import { writeAtomic } from '../files';
import { checkRecord } from '../records';
import { growthSchema, lineSchema, type RowLine } from './rows';

const conditionsSchema = z.object({
  processor: z.string(),
  revision: z.string().nullable(),
  rounds: z.number(),
  /** Whether PyTorch was there. */
  torch: z.boolean(),
});
/** What makes a measured row another one. */
export type Conditions = z.infer<typeof conditionsSchema>;

const measuredSchema = conditionsSchema.extend({
  state: z.literal('measured'),
  section: z.string(),
  date: z.string(),
  seconds: z.number(),
  busy: z.number(),
  spread: z.number(),
  version: z.string().optional(),
  lines: z.array(lineSchema),
  growth: growthSchema.optional(),
});
export type MeasuredRow = z.infer<typeof measuredSchema>;

const failedSchema = z.object({
  state: z.literal('failed'),
  section: z.string(),
  error: z.string(),
});

const recordSchema = z.object({
  format: z.literal(1),
  rows: z.record(z.string(), z.discriminatedUnion('state', [measuredSchema, failedSchema])),
});
/** All rows that were tried, by name. */
export type BenchRecord = z.infer<typeof recordSchema>;

/**
 * What was measured so far; nothing where there is no file.
 *
 * @throws LabError of kind `results` for another file.
 */
export function readBenchRecord(file: string): BenchRecord {
  if (!existsSync(file)) return { format: 1, rows: {} };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw resultsError.because(
      error,
    )`the benchmark's record is no JSON (${file}): found ${String(error)}. Remove it, and everything is measured anew`;
  }
  return checkRecord(recordSchema, value, file, 'Remove it, and everything is measured anew');
}

export function writeBenchRecord(file: string, record: BenchRecord): void {
  writeAtomic(file, `${JSON.stringify(record, null, 1)}\n`);
}

/** Whether a row need not be measured again. */
export function isDone(row: BenchRecord['rows'][string] | undefined, now: Conditions): boolean {
  return (
    row?.state === 'measured' &&
    row.processor === now.processor &&
    row.revision === now.revision &&
    row.rounds === now.rounds &&
    row.torch === now.torch
  );
}

/** A ratio over rounds. */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Ours divided by the other's; null without another. */
export function ratioOf({ ms, besideMs }: Pick<RowLine, 'ms' | 'besideMs'>): Ratio | null {
  const ratios = ms.flatMap((own, round) => {
    const other = besideMs[round];
    return other === undefined ? [] : [own / other];
  });
  return ratios.length === 0 ? null : summarised(ratios);
}

/** `0.88 (0.83 … 0.92)` */
export function ratioInWords({ median, low, high }: Ratio, digits = 2): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)} … ${high.toFixed(digits)})`;
}

function summarised(ratios: readonly number[]): Ratio {
  return { median: median([...ratios]), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** `faster` than PyTorch only where every round was; a range that spans 1 tells nothing. Empty beside our own. */
export function verdictOf({ low, high }: Ratio, { beside }: Pick<RowLine, 'beside'>): string {
  if (beside !== 'PyTorch' && beside !== 'DataLoader') return '';
  if (high < 1) return 'faster';
  return low > 1 ? 'slower' : 'not told apart';
}

/** The lines, and after them the geometric means, round by round, of those that share an aim: these have it then. */
export function judgedTogether(lines: readonly RowLine[]): RowLine[] {
  const groups = new Map<string, RowLine[]>();
  for (const line of lines) {
    if (line.together === undefined || line.besideMs.length === 0) continue;
    const key = `${line.together}/${line.beside ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  const shared = [...groups.values()].filter(({ length }) => length > 1);
  const sharing = new Set(shared.flat());
  return [
    ...lines.map((line) => (sharing.has(line) ? { ...line, aim: null } : line)),
    ...shared.flatMap(meanOf),
  ];
}

function meanOf(group: readonly RowLine[]): RowLine[] {
  const [first] = group;
  if (first === undefined) return [];
  const rounds = Math.min(...group.map(({ ms }) => ms.length));
  const mean = (of: 'ms' | 'besideMs'): number[] =>
    Array.from({ length: rounds }, (_, round) =>
      Math.exp(
        group.reduce((sum, line) => sum + Math.log(line[of][round] ?? NaN), 0) / group.length,
      ),
    );
  const label = `${first.together ?? ''}: geometric mean of ${group.length}`;
  return [
    { label, beside: first.beside, ms: mean('ms'), besideMs: mean('besideMs'), aim: first.aim },
  ];
}
