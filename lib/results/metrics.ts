import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, writeAtomic } from '../files';
import { LabError } from '../errors';
import { checkRecord } from '../check-record';
import { epochMetricsSchema, type EpochMetrics } from './schema';

/** The file of a run with one line of JSON an epoch. */
export const metricsFile = 'metrics.jsonl';

const remedy =
  'Restore the file from a copy, or delete the run directory and run the same command again';

/** What a metrics file holds. */
export interface MetricsFile {
  /** Epochs 1, 2, … in order. */
  readonly epochs: readonly EpochMetrics[];
  /** The text of a last line that was cut in the middle; null when the file is whole. */
  readonly cut: string | null;
}

/**
 * Reads the epochs of a run. A last line without its end, as a cut leaves it, is left out and
 * reported in `cut`; a missing file has no epochs.
 *
 * @throws LabError of kind `results` naming the line, when another line is broken, holds something
 * else than an epoch's metrics, or is not the epoch after the line before.
 */
export function readMetrics(directory: string): MetricsFile {
  const path = join(directory, metricsFile);
  const lines = readLines(path);
  const last = lines.pop() ?? '';
  const epochs: EpochMetrics[] = [];
  lines.forEach((line, index) => epochs.push(readLine(path, line, index + 1)));
  if (last === '') return { epochs, cut: null };
  // A line that lost only its newline is whole.
  if (!isJson(last)) return { epochs, cut: last };
  return { epochs: [...epochs, readLine(path, last, epochs.length + 1)], cut: null };
}

/**
 * Adds an epoch to a run's metrics. The file is written anew under another name and renamed, so that
 * a kill leaves the old lines or the new ones; a cut last line is dropped on the way.
 *
 * @throws LabError of kind `results` when the metrics are not complete (a NaN among them, say) or
 * are not those of the next epoch.
 */
export function appendMetrics(directory: string, metrics: EpochMetrics): void {
  const path = join(directory, metricsFile);
  const { epochs } = readMetrics(directory);
  const checked = checkRecord(
    epochMetricsSchema,
    metrics,
    `${path}, epoch ${String(metrics.epoch)}`,
    'Nothing was written; the epochs before it are kept',
  );
  if (checked.epoch !== epochs.length + 1) {
    throw new LabError({
      kind: 'results',
      what: `epoch ${String(epochs.length + 1)} should follow in the metrics`,
      where: path,
      found: `epoch ${String(checked.epoch)}`,
      remedy: 'Resume from a checkpoint that is not older or newer than the metrics, or start anew',
    });
  }
  writeEpochs(path, [...epochs, checked]);
}

/**
 * Makes a run's metrics those of its checkpoint: drops the epochs after it, a cut last line, and puts
 * back what the file has lost, so that the resumed run writes each of its lines once.
 */
export function restoreMetrics(directory: string, epochs: readonly EpochMetrics[]): void {
  const path = join(directory, metricsFile);
  if (readLines(path).join('\n') !== textOf(epochs)) writeEpochs(path, epochs);
}

function writeEpochs(path: string, epochs: readonly EpochMetrics[]): void {
  writeAtomic(path, textOf(epochs));
}

function textOf(epochs: readonly EpochMetrics[]): string {
  return epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join('');
}

/** The file split at newlines: the last item is what stands after the last newline. */
function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw new LabError(
      { kind: 'file', what: 'a file cannot be read', where: path, found: String(error), remedy },
      { cause: error },
    );
  }
}

function readLine(path: string, line: string, number: number): EpochMetrics {
  const where = `${path}, line ${String(number)}`;
  if (!isJson(line)) {
    throw new LabError({
      kind: 'results',
      what: 'a line of a metrics file is not JSON',
      where,
      found: line === '' ? 'an empty line' : `'${line.slice(0, 60)}'`,
      remedy,
    });
  }
  const metrics = checkRecord(epochMetricsSchema, JSON.parse(line), where, remedy);
  if (metrics.epoch !== number) {
    throw new LabError({
      kind: 'results',
      what: `epoch ${String(number)} should stand in this line of a metrics file`,
      where,
      found: `epoch ${String(metrics.epoch)}`,
      remedy,
    });
  }
  return metrics;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
