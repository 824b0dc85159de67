import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomic } from '../files';
import { LabError } from '../errors';

/** The file of a detector's run, a line of JSON each few iterations. */
export const detectionMetricsFile = 'metrics.jsonl';

export const detectionMetricsSchema = z.strictObject({
  /** Iterations done. */
  iteration: z.int().positive(),
  learningRate: z.number(),
  /** Mean over the iterations since the line before. */
  total: z.number(),
  /** Each loss with its weight in it, likewise. */
  losses: z.record(z.string(), z.number()),
});

export type DetectionMetrics = z.infer<typeof detectionMetricsSchema>;

/** The mean of some iterations' losses, under the last one's number and learning rate. */
export function meanLosses(lines: readonly DetectionMetrics[]): DetectionMetrics {
  const last = lines.at(-1);
  if (last === undefined) throw new Error('a mean of no iterations');
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    iteration: last.iteration,
    learningRate: last.learningRate,
    total: mean(lines.map(({ total }) => total)),
    losses: Object.fromEntries(
      Object.keys(last.losses).map((name) => [
        name,
        mean(lines.map(({ losses }) => losses[name] ?? NaN)),
      ]),
    ),
  };
}

/**
 * The lines of a run; none where there is no file.
 *
 * @throws LabError of kind `results` naming the first line that is broken.
 */
export function readDetectionMetrics(directory: string): DetectionMetrics[] {
  const path = join(directory, detectionMetricsFile);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line, index) => {
    const parsed = detectionMetricsSchema.safeParse(json(line));
    if (parsed.success) return parsed.data;
    throw new LabError({
      kind: 'results',
      what: 'a broken line in the metrics of a run',
      where: `${path}, line ${index + 1}`,
      found: parsed.error.issues[0]?.message ?? 'something else',
      remedy:
        'Restore the file from a copy, or delete the run’s folder and run the same command again',
    });
  });
}

/** Writes all lines of a run. */
export function writeDetectionMetrics(directory: string, lines: readonly DetectionMetrics[]): void {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  writeAtomic(join(directory, detectionMetricsFile), text);
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
