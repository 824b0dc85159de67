import { z } from 'zod';
import { type MetricsForm, readLines } from '../train/metrics';

const detectionMetricsSchema = z.strictObject({
  /** Iterations done. */
  iteration: z.int().positive(),
  /** Of the last of them. */
  learningRate: z.number(),
  /** Mean over the iterations since the line before. */
  total: z.number(),
  /** Each loss with its weight in it, likewise. */
  losses: z.record(z.string(), z.number()),
});

/** What a detector's run notes every so many iterations. */
export type DetectionMetrics = z.infer<typeof detectionMetricsSchema>;

export const detectionMetricsForm: MetricsForm<DetectionMetrics> = {
  schema: detectionMetricsSchema,
  place: ({ iteration }) => `iteration ${iteration}`,
  misplaced({ iteration }, before) {
    const last = before?.iteration ?? 0;
    return iteration > last ? undefined : `an iteration after ${last}`;
  },
};

/**
 * The lines of a run; a last one that was cut in the middle is left out.
 *
 * @throws LabError as `readLines` does.
 */
export function readDetectionMetrics(directory: string): readonly DetectionMetrics[] {
  return readLines(directory, detectionMetricsForm).lines;
}
