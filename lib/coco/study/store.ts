import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { type DetectionMetrics, readDetectionMetrics } from '../../detection/training-metrics';
import { LabError } from '../../errors';
import { readJson, writeAtomic } from '../../files';
import { checkRecord } from '../../check-record';
import { studyDirectory } from '../../results/paths';
import {
  type DetectionConfig,
  detectionConfigSchema,
  type DetectionEvaluation,
  detectionEvaluationSchema,
  type DetectionProvenance,
  detectionProvenanceSchema,
} from './schema';

export const detectionFiles = {
  config: 'config.json',
  evaluation: 'evaluation.json',
  provenance: 'provenance.json',
  detections: 'detections.json',
  weights: 'weights.safetensors',
} as const;

const remedy =
  'Restore the file from a copy, or delete the run directory and run the same command again';

/** A detector's run as its directory holds it. */
export interface DetectionRun {
  readonly directory: string;
  readonly config: DetectionConfig;
  readonly metrics: readonly DetectionMetrics[];
  /** Null while it is not finished. */
  readonly evaluation: DetectionEvaluation | null;
  readonly provenance: DetectionProvenance | null;
}

/** Whether a run was trained and evaluated to its end; it says nothing of which recipe. */
export function isDetectionFinished(directory: string): boolean {
  return (
    [detectionFiles.weights, detectionFiles.evaluation].every((file) =>
      existsSync(join(directory, file)),
    ) && readDetectionProvenance(directory)?.ended === 'finished'
  );
}

export function writeDetectionConfig(directory: string, config: DetectionConfig): void {
  write(directory, detectionFiles.config, detectionConfigSchema, config);
}

export function writeDetectionEvaluation(directory: string, evaluation: DetectionEvaluation): void {
  write(directory, detectionFiles.evaluation, detectionEvaluationSchema, evaluation);
}

export function writeDetectionProvenance(directory: string, provenance: DetectionProvenance): void {
  write(directory, detectionFiles.provenance, detectionProvenanceSchema, provenance);
}

/** A run's configuration, or null where there is none yet. */
export function readDetectionConfig(directory: string): DetectionConfig | null {
  return read(directory, detectionFiles.config, detectionConfigSchema);
}

export function readDetectionProvenance(directory: string): DetectionProvenance | null {
  return read(directory, detectionFiles.provenance, detectionProvenanceSchema);
}

/** @throws LabError of kind `results` when a file is missing or broken. */
export function readDetectionRun(directory: string): DetectionRun {
  const config = readDetectionConfig(directory);
  if (config === null) {
    throw new LabError({
      kind: 'results',
      what: 'a run has no configuration',
      where: join(directory, detectionFiles.config),
      remedy,
    });
  }
  return {
    directory,
    config,
    metrics: readDetectionMetrics(directory),
    evaluation: read(directory, detectionFiles.evaluation, detectionEvaluationSchema),
    provenance: readDetectionProvenance(directory),
  };
}

/** All runs of a study, in the order of their directories' names. */
export function readDetectionRuns(resultsRoot: string, study: string): DetectionRun[] {
  const base = studyDirectory(resultsRoot, study);
  if (!existsSync(base)) return [];
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === detectionFiles.config)
    .map(({ parentPath }) => parentPath)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map(readDetectionRun);
}

function read<T>(directory: string, name: string, schema: z.ZodType<T>): T | null {
  const path = join(directory, name);
  return existsSync(path) ? checkRecord(schema, readJson(path, remedy), path, remedy) : null;
}

function write<T>(directory: string, name: string, schema: z.ZodType<T>, value: T): void {
  const path = join(directory, name);
  const checked = checkRecord(schema, value, path, 'Nothing was written');
  writeAtomic(path, `${JSON.stringify(checked, null, 2)}\n`);
}
