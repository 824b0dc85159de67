import { z } from 'zod';
import { provenanceSchema, scales } from '../../results/schema';
import { cocoStatNames } from '../summary';

/**
 * What the directory of a detector's run holds:
 * `results/runs/<study>/<pair>/<method>/seed-<n>/` with `config.json`, `metrics.jsonl` (a line every so
 * many iterations, free of clock times), `evaluation.json`, `provenance.json`, and, not for git,
 * `detections.json` in COCO's results form and `weights.safetensors`.
 */
export const detectionConfigSchema = z.strictObject({
  study: z.string(),
  scale: z.enum(scales),
  /** `r101-fpn:r18-fpn`, teacher first; a teacher's own run has itself alone. */
  pair: z.string(),
  teacher: z.string().nullable(),
  student: z.string(),
  method: z.string(),
  seed: z.int(),
  dataset: z.string(),
  iterations: z.int(),
  batchSize: z.int(),
  precision: z.enum(['f32', 'bf16']),
  /** SHA-256 of the canonical JSON of `recipe`. */
  recipeHash: z.string(),
  /** The whole recipe, and the hashes of data, teacher, class means and first weights. */
  recipe: z.record(z.string(), z.unknown()),
});
export type DetectionConfig = z.infer<typeof detectionConfigSchema>;

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

export const detectionProvenanceSchema = provenanceSchema
  .pick({
    revision: true,
    dirty: true,
    command: true,
    startedAt: true,
    endedAt: true,
    ended: true,
    versions: true,
    engine: true,
    device: true,
    processor: true,
    dataHash: true,
    teacherHash: true,
    teacherSource: true,
    classMeansHash: true,
    checkpointHash: true,
    parameters: true,
    peakMemoryMiB: true,
    error: true,
  })
  .extend({
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
