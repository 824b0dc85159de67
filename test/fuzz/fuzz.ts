import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { random } from '../../lib/engine/random';
import { LabError } from '../../lib/errors';
import { allReaders, type Reader } from './readers';

/** What became of the files of one reader. */
export interface FuzzCount {
  readonly reader: string;
  readonly read: number;
  readonly refused: number;
}

/** A file with which a reader did what it never should. */
export interface FuzzFailure {
  readonly reader: string;
  readonly seed: number;
  readonly number: number;
  readonly what: string;
}

export interface FuzzResult {
  readonly counts: readonly FuzzCount[];
  readonly failures: readonly FuzzFailure[];
  readonly slowestMs: number;
  readonly largestMiB: number;
}

/** Of one small file; a busy machine takes its time. */
const longestMs = 20_000;
const longestMessage = 10_000;
/** Of the whole process, the pictures' decoder and the compiler of TypeScript included. */
const largestMiB = 1500;

/**
 * Gives each reader wrong files in turn. Each must give a value or throw a LabError of one printable line, soon.
 *
 * @param options.only the readers whose names contain this
 */
export async function fuzz(options: {
  readonly cases: number;
  readonly seed: number;
  readonly only?: string | undefined;
  readonly onCase?: (done: number) => void;
}): Promise<FuzzResult> {
  const { cases, seed, only = '', onCase } = options;
  const folder = mkdtempSync(join(tmpdir(), 'norm-direction-fuzz-'));
  const failures: FuzzFailure[] = [];
  const counts = new Map<string, { read: number; refused: number }>();
  let slowestMs = 0;
  let largest = 0;
  try {
    const readers = (await allReaders(folder)).filter(({ name }) => name.includes(only));
    for (const { name, whole, read, refusesAll } of readers) {
      counts.set(name, { read: 0, refused: 0 });
      if (refusesAll) continue;
      await read(whole, place(folder, `${name}-whole`, whole));
    }
    for (let number = 0; number < cases; number++) {
      const reader = readers[number % readers.length];
      if (reader === undefined) break;
      const started = performance.now();
      const outcome = await tryOne(reader, seed, number, folder);
      const took = performance.now() - started;
      slowestMs = Math.max(slowestMs, took);
      largest = Math.max(largest, process.memoryUsage.rss() / 2 ** 20);
      const count = counts.get(reader.name);
      if (count && outcome === 'read') count.read++;
      else if (count && outcome === 'refused') count.refused++;
      else failures.push({ reader: reader.name, seed, number, what: outcome });
      if (took > longestMs || largest > largestMiB) {
        const what = `${took.toFixed(0)} ms, ${largest.toFixed(0)} MiB`;
        failures.push({ reader: reader.name, seed, number, what });
        largest = 0;
      }
      onCase?.(number + 1);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    counts: [...counts].map(([reader, count]) => ({ reader, ...count })),
    ...{ failures, slowestMs, largestMiB: largest },
  };
}

function place(folder: string, name: string, content: Buffer): string {
  const own = join(folder, name.replaceAll(/[^\w-]/g, '_'));
  mkdirSync(own);
  const file = join(own, 'file');
  writeFileSync(file, content);
  return file;
}

async function tryOne(
  { name, whole, mutation, read }: Reader,
  seed: number,
  number: number,
  folder: string,
): Promise<string> {
  const content = mutation(whole, random(seed, 'fuzz', name, number));
  const file = place(folder, `case-${number}`, content);
  try {
    await read(content, file);
    return 'read';
  } catch (error) {
    if (!(error instanceof LabError)) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    const { message } = error;
    if (message.length > longestMessage) return `a message of ${message.length} characters`;
    return /[\p{Cc}\p{Bidi_Control}]/u.test(message)
      ? `unprintable: ${JSON.stringify(message)}`
      : 'refused';
  } finally {
    rmSync(join(file, '..'), { recursive: true, force: true });
  }
}

/** A line a reader, and the whole. */
export function inWords({ counts, failures, slowestMs, largestMiB: most }: FuzzResult): string {
  const cases = counts.reduce((sum, { read, refused }) => sum + read + refused, 0);
  return [
    ...counts.map(({ reader, read, refused }) => `${reader}: ${refused} refused, ${read} read`),
    `${cases} files, ${counts.length} readers, ${failures.length} failures; slowest ${slowestMs.toFixed(0)} ms, at most ${most.toFixed(0)} MiB`,
    ...failures.map(
      ({ reader, seed, number, what }) =>
        `FAILED ${reader} (seed ${seed}, case ${number}): ${what}`,
    ),
  ].join('\n');
}
