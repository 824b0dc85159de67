import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LabError } from '../errors';
import { readJson, removeUnfinishedWrites, sha256, writeAtomic } from '../files';
import { decodeSafetensors, encodeSafetensors } from '../formats/safetensors';
import { below } from '../distill/objective';
import type { StateDict, StateEntry } from '../nn/state';
import { hashJson } from '../canonical';
import { type EpochMetrics, epochMetricsSchema } from '../results/schema';
import type { Learner } from './learner';

/** How far a run has come, and what it has summed up inside an unfinished epoch. */
export interface Progress {
  /** Whole epochs done. */
  readonly epoch: number;
  /** Batches done of the next epoch. */
  readonly batch: number;
  /** Optimiser steps done. */
  readonly step: number;
  /** Sums over the batches done of the next epoch: each term, the total, hits and samples. */
  readonly sums: EpochSums;
}

export interface EpochSums {
  readonly terms: readonly number[];
  readonly total: number;
  readonly correct: number;
  readonly samples: number;
}

/** What a checkpoint says beside its tensors. */
export interface CheckpointRecord {
  /** Of the run's recipe. */
  readonly recipeHash: string;
  readonly progress: Progress;
  /** Of the whole epochs done: a metrics file that was damaged is made whole from here. */
  readonly metrics?: readonly EpochMetrics[] | undefined;
}

const manifestSchema = z.strictObject({
  recipeHash: z.string(),
  /** Of the tensors' file. */
  sha256: z.string(),
  progress: z.strictObject({
    epoch: z.int().nonnegative(),
    batch: z.int().nonnegative(),
    step: z.int().nonnegative(),
    sums: z.strictObject({
      terms: z.array(z.number()),
      total: z.number(),
      correct: z.number(),
      samples: z.int().nonnegative(),
    }),
  }),
  metrics: z.array(epochMetricsSchema).optional(),
  /** SHA-256 of all the above; checkpoints of earlier versions have neither of the two. */
  digest: z.string().optional(),
});

/** How many checkpoints are kept: the last one, and one to fall back on. */
const kept = 2;

/**
 * Writes a checkpoint of a run: the tensors first, then a manifest with their hash and its own, each
 * atomically. A checkpoint without its manifest does not exist; one with a changed byte is refused.
 */
export function saveCheckpoint(
  directory: string,
  learner: Learner,
  record: CheckpointRecord,
): void {
  const bytes = encodeSafetensors(learnerTensors(learner));
  const name = checkpointName(record.progress);
  writeAtomic(join(directory, `${name}.safetensors`), bytes);
  const content = { ...record, sha256: sha256(bytes) };
  const manifest = { ...content, digest: hashJson(content) };
  writeAtomic(join(directory, `${name}.json`), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const old of checkpointNames(directory).slice(kept)) {
    rmSync(join(directory, `${old}.json`), { force: true });
    rmSync(join(directory, `${old}.safetensors`), { force: true });
  }
}

/**
 * Puts a learner where its newest whole checkpoint left it. A broken one is reported and the one
 * before it is taken.
 *
 * @returns how far the run had come and its metrics; undefined where there is no checkpoint.
 * @throws LabError of kind `results` when checkpoints are there and none is whole.
 */
export function restoreCheckpoint(
  directory: string,
  learner: Learner,
  recipeHash: string,
  report: (message: string) => void,
): CheckpointRecord | undefined {
  removeUnfinishedWrites(directory);
  const names = checkpointNames(directory);
  for (const name of names) {
    try {
      return restoreFrom(directory, name, learner, recipeHash);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      report(`checkpoint ${name} cannot be used, falling back: ${error.message}`);
    }
  }
  if (names.length === 0) return undefined;
  throw new LabError({
    kind: 'results',
    what: 'no checkpoint of this run can be used',
    where: directory,
    found: names.join(', '),
    remedy: 'Delete the folder to train this run from its beginning',
  });
}

/** Frees the disk of a finished run's checkpoints. */
export function removeCheckpoints(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

function restoreFrom(
  directory: string,
  name: string,
  learner: Learner,
  recipeHash: string,
): CheckpointRecord {
  const place = join(directory, `${name}.json`);
  const fault = (found: string): LabError =>
    new LabError({
      kind: 'results',
      what: 'a corrupted checkpoint',
      where: place,
      found,
      remedy: 'The run goes on from an earlier one if there is one',
    });
  const parsed = manifestSchema.safeParse(readJson(place, 'Delete it'));
  if (!parsed.success) throw fault(parsed.error.issues[0]?.message ?? 'a broken manifest');
  const { digest, ...content } = parsed.data;
  if (digest !== undefined && hashJson(content) !== digest) {
    throw fault('a manifest with other numbers than were written');
  }
  if (content.recipeHash !== recipeHash) throw fault('the recipe of another run');
  const file = join(directory, `${name}.safetensors`);
  if (!existsSync(file)) throw fault('no tensors beside it');
  const bytes = readFileSync(file);
  if (sha256(bytes) !== content.sha256)
    throw fault('tensors whose hash is not the one written with them');
  restoreTensors(learner, decodeSafetensors(bytes, file).tensors, file);
  return { recipeHash, progress: content.progress, metrics: content.metrics };
}

function learnerTensors({
  student,
  adapter,
  objective,
  optimiser,
  average,
}: Learner): Map<string, StateEntry> {
  const tensors = new Map<string, StateEntry>();
  const add = (prefix: string, entries: StateDict): void => {
    for (const [name, entry] of entries) tensors.set(`${prefix}/${name}`, entry);
  };
  add('student', student.stateDict());
  if (adapter) add('adapter', adapter.state.stateDict());
  add('terms', objective.save());
  for (const [name, entry] of optimiser.save()) tensors.set(name, entry);
  for (const [name, entry] of average?.save() ?? []) tensors.set(name, entry);
  return tensors;
}

function restoreTensors(
  { student, adapter, objective, optimiser, average }: Learner,
  tensors: StateDict,
  where: string,
): void {
  student.loadStateDict(below(tensors, 'student/'), where);
  adapter?.state.loadStateDict(below(tensors, 'adapter/'), where);
  objective.restore(below(tensors, 'terms/'), where);
  optimiser.restore(tensors);
  average?.restore(tensors);
}

/** Zero-padded, so that names sort by progress. */
function checkpointName({ epoch, batch }: Progress): string {
  return `epoch-${String(epoch).padStart(4, '0')}-batch-${String(batch).padStart(6, '0')}`;
}

/** Newest first. */
function checkpointNames(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => /^epoch-\d+-batch-\d+\.json$/.test(name))
    .map((name) => name.slice(0, -'.json'.length))
    .sort()
    .reverse();
}
