import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fileError, resultsError } from '../errors';
import { errorCode, writeAtomic } from '../files';
import { checkRecord } from '../records';

/** The file of a run with its metrics, a line of JSON each. It holds no clock times, so that equal runs give equal bytes. */
export const metricsFile = 'metrics.jsonl';

/** What the lines of a run's metrics are. */
export interface MetricsForm<Line> {
  readonly schema: z.ZodType<Line>;
  /** Where a line stands, in words: `epoch 3`. */
  readonly place: (line: Line) => string;
  /** What is wrong with a line after the one before it, in words; undefined where it may follow. */
  readonly misplaced: (line: Line, before: Line | undefined) => string | undefined;
}

/** What a metrics file holds. */
interface MetricsLines<Line> {
  readonly lines: readonly Line[];
  /** The text of a last line that was cut in the middle; null when the file is whole. */
  readonly cut: string | null;
}

const fix =
  'Restore the file from a copy, or delete the run directory and run the same command again';

/**
 * Reads the metrics of a run. A last line without its end, as a cut leaves it, is left out and reported
 * in `cut`; a missing file has no lines.
 *
 * @throws LabError of kind `results` naming the line, when another line is broken, holds something else
 * or may not follow the line before.
 */
export function readLines<Line>(directory: string, form: MetricsForm<Line>): MetricsLines<Line> {
  const path = join(directory, metricsFile);
  const texts = textLines(path);
  const last = texts.pop() ?? '';
  const lines: Line[] = [];
  const read = (text: string): number => lines.push(readLine(path, text, lines, form));
  texts.forEach(read);
  if (last === '') return { lines, cut: null };
  if (!isJson(last)) return { lines, cut: last };
  // A line that lost only its newline is whole.
  read(last);
  return { lines, cut: null };
}

/**
 * Adds a line to a run's metrics. The file is written anew under another name and renamed, so that a
 * kill leaves the old lines or the new ones.
 *
 * @param before the lines that the file has
 * @returns all lines
 * @throws LabError of kind `results` when the line is not complete (a NaN in it, say) or may not follow.
 */
export function addLine<Line>(
  directory: string,
  form: MetricsForm<Line>,
  before: readonly Line[],
  line: Line,
): readonly Line[] {
  const path = join(directory, metricsFile);
  const where = `${path}, ${form.place(line)}`;
  const checked = checkRecord(
    form.schema,
    line,
    where,
    'Nothing was written; the lines before it are kept',
  );
  const fault = form.misplaced(checked, before.at(-1));
  if (fault !== undefined) {
    throw resultsError`${fault} should follow in the metrics (${path}): found ${form.place(checked)}. Resume from a checkpoint that is not older or newer than the metrics, or start anew`;
  }
  const lines = [...before, checked];
  writeAtomic(path, textOf(lines));
  return lines;
}

/**
 * Makes a run's metrics those of its checkpoint: drops the lines after it, a cut last one, and puts back
 * what the file has lost, so that the resumed run writes each of its lines once.
 */
export function restoreLines<Line>(directory: string, lines: readonly Line[]): void {
  const path = join(directory, metricsFile);
  if (textLines(path).join('\n') !== textOf(lines)) writeAtomic(path, textOf(lines));
}

function textOf(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** The file split at newlines: the last item is what stands after the last newline. */
function textLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError.because(error)`a file cannot be read (${path}): found ${String(error)}. ${fix}`;
  }
}

function readLine<Line>(
  path: string,
  text: string,
  before: readonly Line[],
  { schema, place, misplaced }: MetricsForm<Line>,
): Line {
  const where = `${path}, line ${before.length + 1}`;
  if (!isJson(text)) {
    throw resultsError`a line of a metrics file is not JSON (${where}): found ${text === '' ? 'an empty line' : `'${text.slice(0, 60)}'`}. ${fix}`;
  }
  const line = checkRecord(schema, JSON.parse(text), where, fix);
  const fault = misplaced(line, before.at(-1));
  if (fault === undefined) return line;
  throw resultsError`${fault} should stand in this line of a metrics file (${where}): found ${place(line)}. ${fix}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What a classifier's run notes of each epoch. */
const epochMetricsSchema = z.strictObject({
  /** 1-based. */
  epoch: z.int(),
  /** Optimiser steps so far. */
  step: z.int(),
  learningRate: z.number(),
  /** Mean of each weighted loss term over the epoch, and their sum as `total`. */
  losses: z.record(z.string(), z.number()),
  /** Top-1 on the augmented training batches, in percent. */
  trainTop1: z.number(),
  testTop1: z.number(),
  testTop5: z.number(),
  testLoss: z.number(),
  /** Mean over the test set of ‖f_s‖, and of the cosine to the teacher's class mean (null without). */
  studentNorm: z.number(),
  teacherNorm: z.number().nullable(),
  cosineToClassMean: z.number().nullable(),
  /**
   * The last of them class by class, rounded to four decimals; null for a class without test images.
   * Like the next one missing without class means, and in runs that were made before it was measured.
   */
  cosineByClass: z.array(z.number().nullable()).optional(),
  /** The teacher's own, over the test set. */
  teacherCosine: z.number().optional(),
});

export type EpochMetrics = z.infer<typeof epochMetricsSchema>;

/** Epochs 1, 2, … in order. */
export const epochMetricsForm: MetricsForm<EpochMetrics> = {
  schema: epochMetricsSchema,
  place: ({ epoch }) => `epoch ${epoch}`,
  misplaced({ epoch }, before) {
    const next = (before?.epoch ?? 0) + 1;
    return epoch === next ? undefined : `epoch ${next}`;
  },
};

/** What a classifier's metrics file holds. */
interface MetricsFile {
  readonly epochs: readonly EpochMetrics[];
  /** The text of a last line that was cut in the middle; null when the file is whole. */
  readonly cut: string | null;
}

/**
 * Reads the epochs of a run.
 *
 * @throws LabError as `readLines` does.
 */
export function readMetrics(directory: string): MetricsFile {
  const { lines, cut } = readLines(directory, epochMetricsForm);
  return { epochs: lines, cut };
}
