import { z } from 'zod';

export { type EpochMetrics, epochMetricsSchema } from '../train/epoch-metrics';

/**
 * What a run directory holds: `results/runs/<study>/<pair>/<method>/seed-<n>/` with `config.json`,
 * `metrics.jsonl` (one line an epoch, free of clock times, so that equal runs give equal bytes) and
 * `provenance.json` (everything about how and where it ran).
 */

/** How long and on what a study runs; `paper` is the only scale that may be called a match. */
export const scales = ['quick', 'short', 'paper'] as const;
export type Scale = (typeof scales)[number];

export const configSchema = z.strictObject({
  study: z.string(),
  scale: z.enum(scales),
  /** `resnet56:resnet20`, teacher first; a teacher's own run has itself alone: `resnet56`. */
  pair: z.string(),
  teacher: z.string().nullable(),
  student: z.string(),
  /** `student` (alone), `teacher`, or a method's name: `kd`, `kd++`, … */
  method: z.string(),
  seed: z.int(),
  dataset: z.string(),
  epochs: z.int(),
  batchSize: z.int(),
  precision: z.enum(['f32', 'bf16']),
  /** SHA-256 of the canonical JSON of `recipe`. */
  recipeHash: z.string(),
  /** The whole recipe: optimiser, schedule, weighted losses, augmentation. */
  recipe: z.record(z.string(), z.unknown()),
});
export type RunConfig = z.infer<typeof configSchema>;

export const provenanceSchema = z.strictObject({
  /** Git revision, and whether tracked files differed from it; null outside a git checkout. */
  revision: z.string().nullable(),
  dirty: z.boolean().nullable(),
  command: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** `running` means it was cut off or still runs. */
  ended: z.enum(['running', 'finished', 'interrupted', 'failed']),
  versions: z.record(z.string(), z.string()),
  engine: z.string(),
  device: z.string(),
  processor: z.string(),
  /** SHA-256 of the training and test data as read. */
  dataHash: z.string(),
  teacherHash: z.string().nullable(),
  /** Where the teacher's weights came from: `trained here` or a published file. */
  teacherSource: z.string().nullable(),
  teacherTop1: z.number().nullable(),
  /** Missing in runs that were made before it was recorded. */
  teacherParameters: z.int().optional(),
  classMeansHash: z.string().nullable(),
  checkpointHash: z.string().nullable(),
  parameters: z.int(),
  secondsPerEpoch: z.array(z.number()),
  imagesPerSecond: z.number().nullable(),
  peakMemoryMiB: z.number(),
  lastTop1: z.number().nullable(),
  bestTop1: z.number().nullable(),
  bestEpoch: z.int().nullable(),
  error: z.string().nullable(),
});
export type Provenance = z.infer<typeof provenanceSchema>;
