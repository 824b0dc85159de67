import { z } from 'zod';
import { addLine, type MetricsForm, readLines, restoreLines } from './metrics';

export { metricsFile } from './metrics';

/** What a classifier's run notes of each epoch. */
export const epochMetricsSchema = z.strictObject({
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
export interface MetricsFile {
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

/**
 * Adds an epoch to a run's metrics; a cut last line is dropped on the way.
 *
 * @throws LabError as `addLine` does.
 */
export function appendMetrics(directory: string, metrics: EpochMetrics): void {
  addLine(directory, epochMetricsForm, readMetrics(directory).epochs, metrics);
}

/** Makes a run's metrics those of its checkpoint: see `restoreLines`. */
export function restoreMetrics(directory: string, epochs: readonly EpochMetrics[]): void {
  restoreLines(directory, epochs);
}
