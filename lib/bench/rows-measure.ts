import type { BFloat16Support } from '../engine/describe';
import { interruptedError, type LabError } from '../errors';
import { formatDuration } from '../format-duration';
import { measureNoise, type Noise } from './quiet';
import type { BenchRow } from './rows';
import {
  type BenchRecord,
  type Conditions,
  isDone,
  ratioInWords,
  ratioOf,
  writeBenchRecord,
} from './rows-record';

/** Rounds that guesses are of. */
export const usualRounds = 5;

/** The rows that are not measured yet under these conditions. */
export function rowsLeft(
  rows: readonly BenchRow[],
  record: BenchRecord,
  now: Conditions,
): BenchRow[] {
  return rows.filter(({ name }) => !isDone(record.rows[name], now));
}

/** Without the rows in bfloat16 where it has no instructions: there they take many times as long and tell nothing. */
export function rowsFor(bfloat16: BFloat16Support, rows: readonly BenchRow[]): BenchRow[] {
  return rows.filter(({ args }) => bfloat16 === 'accelerated' || !args.includes('bf16'));
}

/** As guessed for two cores and five rounds; without PyTorch half. */
export function minutesOf(
  { minutes, torch }: BenchRow,
  now: Pick<Conditions, 'rounds' | 'torch'>,
): number {
  const alone = torch && !now.torch ? 0.5 : 1;
  return minutes * alone * (0.5 + (0.5 * now.rounds) / usualRounds);
}

interface Measuring {
  /** Written after each row. */
  readonly file: string;
  /** Grows row by row. */
  readonly record: BenchRecord;
  readonly now: Conditions;
  readonly signal: AbortSignal;
  /** What the row's command finds; ends early after an abortion. */
  readonly measure: (row: BenchRow, signal: AbortSignal) => Promise<unknown>;
  readonly noise?: () => Promise<Noise>;
  /** Hears how far it is. */
  readonly say: (line: string) => void;
}

/**
 * Measures rows one after the other and keeps each; one that fails is kept as such and does not stop the others.
 *
 * @throws LabError of kind `interrupted` when `signal` is aborted.
 */
export async function measureRows(
  rows: readonly BenchRow[],
  { file, record, now, signal, measure, say, noise = measureNoise }: Measuring,
): Promise<void> {
  let guessed = 0;
  let taken = 0;
  for (const [index, row] of rows.entries()) {
    const left = rows.slice(index).reduce((sum, each) => sum + 60 * minutesOf(each, now), 0);
    // What was guessed of the rows before, and what they took.
    const factor = guessed === 0 ? 1 : taken / guessed;
    say(
      `[${index + 1}/${rows.length}] ${row.name}, about ${formatDuration(left * factor)} left in all`,
    );
    const { busy, spread } = await noise();
    const started = performance.now();
    try {
      const { lines, growth, version } = row.read(await measure(row, signal));
      const seconds = (performance.now() - started) / 1000;
      record.rows[row.name] = {
        ...{ state: 'measured', section: row.section, ...now, busy, spread },
        date: new Date().toISOString().slice(0, 10),
        seconds: Math.round(seconds),
        ...(version === undefined ? {} : { version }),
        lines: [...lines],
        ...(growth === undefined ? {} : { growth }),
      };
      guessed += 60 * minutesOf(row, now);
      taken += seconds;
      say(shortly(record.rows[row.name]));
    } catch (error) {
      if (signal.aborted) throw stopped();
      const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      record.rows[row.name] = { state: 'failed', section: row.section, error: reason };
      say(`    failed: ${reason}`);
    }
    writeBenchRecord(file, record);
  }
}

function stopped(): LabError {
  return interruptedError`stopped; the rows so far are kept. Run the same command again to go on`;
}

function shortly(row: BenchRecord['rows'][string] | undefined): string {
  if (row?.state !== 'measured') return '    failed';
  const ratios = row.lines.flatMap((line) => {
    const ratio = ratioOf(line);
    return ratio === null ? [] : [ratioInWords(ratio)];
  });
  return `    ${ratios.join('; ') || 'done'}, ${formatDuration(row.seconds)}`;
}
