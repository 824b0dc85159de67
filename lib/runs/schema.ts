import { z } from 'zod';
import { cocoStatNames } from '../detection/coco/evaluate';
import { convolutionPasses } from '../engine/describe';

/**
 * What a run directory holds, `results/runs/<study>/<pair>/<method>/seed-<n>/`: `config.json`,
 * `metrics.jsonl` (a line an epoch of a classifier or every so many iterations of a detector, free of
 * clock times, so that equal runs give equal bytes), `provenance.json` (everything about how and where it
 * ran), a detector's `evaluation.json`, and, not for git, `weights.safetensors` and a detector's
 * `detections.json` in COCO's results form.
 */

/** How long and on what a study runs; `paper` is the only scale that may be called a match. */
export const scales = ['quick', 'short', 'reduced', 'paper'] as const;
export type Scale = (typeof scales)[number];
/** Something for each scale; tables whose grid is too dear for it have no `reduced`. */
export type ByScale<T> = Readonly<Record<Exclude<Scale, 'reduced'>, T> & { reduced?: T }>;

const whose = {
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
};

const how = {
  batchSize: z.int(),
  precision: z.enum(['f32', 'tf32', 'bf16']),
  /** SHA-256 of the canonical JSON of `recipe`. */
  recipeHash: z.string(),
  /** The whole recipe (optimiser, schedule, weighted losses, …), and the hashes of data and teacher. */
  recipe: z.record(z.string(), z.unknown()),
};

/** What the configurations of both kinds of run have. */
export type CommonConfig = z.infer<z.ZodObject<typeof whose & typeof how>>;

export const configSchema = z.strictObject({ ...whose, epochs: z.int(), ...how });
export type RunConfig = z.infer<typeof configSchema>;

export const detectionConfigSchema = z.strictObject({ ...whose, iterations: z.int(), ...how });
export type DetectionConfig = z.infer<typeof detectionConfigSchema>;

export const provenanceSchema = z.strictObject({
  /** Git revision, and whether tracked files differed from it; null outside a git checkout. */
  revision: z.string().nullable(),
  dirty: z.boolean().nullable(),
  command: z.string(),
  /** Of the first start, however often the run was cut off. */
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** `running` means it was cut off or still runs. */
  ended: z.enum(['running', 'finished', 'interrupted', 'failed']),
  versions: z.record(z.string(), z.string()),
  engine: z.string(),
  device: z.string(),
  /** Of a CPU that took the GPU's path. */
  path: z.literal('gpu').optional(),
  /** Of a GPU that was asked for equal bytes at every run. */
  deterministic: z.literal(true).optional(),
  /** Passes of 3 × 3 convolutions that Winograd's products computed, where a processor chose. */
  winograd: z.array(z.enum(convolutionPasses)).optional(),
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

/** What the provenance of both kinds of run has. */
const commonProvenanceSchema = provenanceSchema.omit({
  teacherTop1: true,
  teacherParameters: true,
  secondsPerEpoch: true,
  imagesPerSecond: true,
  lastTop1: true,
  bestTop1: true,
  bestEpoch: true,
});
export type CommonProvenance = z.infer<typeof commonProvenanceSchema>;

export const detectionProvenanceSchema = commonProvenanceSchema.extend({
  /** Of the images that are evaluated. */
  evaluationDataHash: z.string(),
  /** Where the first weights came from: `random`, or a file. */
  firstWeights: z.string(),
  secondsPerIteration: z.number().nullable(),
  evaluationSeconds: z.number().nullable(),
  /** Measured after the last iteration, in percent. */
  AP: z.number().nullable(),
  AP50: z.number().nullable(),
});
export type DetectionProvenance = z.infer<typeof detectionProvenanceSchema>;

const curveSchema = z.array(z.number());

export const detectionEvaluationSchema = z.strictObject({
  /** COCO's twelve figures: shares, −1 where there is nothing to find. */
  stats: z.strictObject(
    Object.fromEntries(cocoStatNames.map((name) => [name, z.number()])) as Record<
      (typeof cocoStatNames)[number],
      z.ZodNumber
    >,
  ),
  byCategory: z.array(
    z.strictObject({
      id: z.int(),
      name: z.string(),
      objects: z.int(),
      AP: z.number(),
      AP50: z.number(),
    }),
  ),
  /** Precision at the recalls 0, 0.01, …, 1, averaged over the categories, by overlap. */
  curves: z.strictObject({ '0.50': curveSchema, '0.75': curveSchema }),
  images: z.int(),
  detections: z.int(),
});
export type DetectionEvaluation = z.infer<typeof detectionEvaluationSchema>;
