import CliTable from 'cli-table3';
import { InvalidArgumentError } from 'commander';
import { benchProgress } from '../../lib/bench/progress';
import type { OnBenchProgress } from '../../lib/bench/step';
import { printable } from '../../lib/errors';
import { dataProgressPrinter, type OnDataProgress } from '../../lib/data/progress';

/** What was found, on standard output: as one JSON object, or in words. */
export function print(json: boolean | undefined, found: unknown, words: string): void {
  process.stdout.write(`${json ? JSON.stringify(found) : printable(words)}\n`);
}

/** A table without colours. */
export function tableOf(
  head: string[],
  more: CliTable.TableConstructorOptions = {},
): CliTable.Table {
  return new CliTable({ head, style: { head: [], border: [] }, ...more });
}

/** For an option that takes one. */
export function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('A whole number of at least 1 is needed.');
}

/** Times something with its progress on standard error. */
export function withBenchProgress<Result>(
  work: (onProgress: OnBenchProgress) => Promise<Result> | Result,
): Promise<Result> {
  return under(benchProgress(), work);
}

/** Reads or fetches data with its progress on standard error. */
export function withDataProgress<Result>(
  work: (onProgress: OnDataProgress) => Promise<Result>,
): Promise<Result> {
  return under(dataProgressPrinter(), work);
}

async function under<Report, Result>(
  { report, stop }: { readonly report: Report; readonly stop: () => void },
  work: (report: Report) => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await work(report);
  } finally {
    stop();
  }
}
