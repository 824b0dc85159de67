import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hashJson } from '../records';
import { LabError, resultsError } from '../errors';
import { readJson, removeUnfinishedWrites, sha256, writeAtomic } from '../files';
import { decodeSafetensors, encodeSafetensors } from '../formats/safetensors';
import type { StateDict, StateEntry } from '../nn/state';

const count = z.int().nonnegative();

const progressSchema = z.strictObject({
  /** Whole periods done: epochs of a classifier. */
  period: count,
  /** Batches done of the next one. */
  batch: count,
  /** Steps of the optimiser done. */
  step: count,
  /** Over the batches done of the next period. */
  sums: z.strictObject({
    /** Images. */
    images: count,
    /** Of the total loss and of each of its terms, a batch's mean times its images. */
    total: z.number(),
    terms: z.array(z.number()),
    /** Of what is counted in a batch, such as hits. */
    counts: z.array(z.number()),
    /** The learning rates of the first and of the last step; 0 before the first. */
    rates: z.strictObject({ first: z.number(), last: z.number() }),
  }),
});

/** How far a run has come, and what it has summed up inside an unfinished period. */
export type Progress = z.infer<typeof progressSchema>;

const manifestSchema = z.strictObject({
  /** Of all that decides the run. */
  recipeHash: z.string(),
  progress: progressSchema,
  /** The lines of metrics so far: a file that was damaged is made whole from here. */
  metrics: z.array(z.unknown()),
  /** Of the tensors' file. */
  sha256: z.string(),
  /** SHA-256 of all the above. */
  digest: z.string(),
});

/** What a checkpoint says beside its tensors. */
type CheckpointRecord = Omit<z.infer<typeof manifestSchema>, 'sha256' | 'digest'>;

/** What a checkpoint holds the tensors of. */
export interface SavedState {
  /** Everything that a resumed run needs, under names of its own. */
  save(): Map<string, StateEntry>;
  /** @throws LabError when the entries are another's. */
  restore(entries: StateDict, where: string): void;
}

/** How many checkpoints are kept: the last one, and one to fall back on. */
const kept = 2;

/** Where a run's checkpoints lie. */
export function checkpointsOf(directory: string): string {
  return join(directory, 'checkpoints');
}

/**
 * Writes a checkpoint of a run: the tensors first, then a manifest with their hash and its own, each
 * atomically. A checkpoint without its manifest does not exist; one with a changed byte is refused.
 */
export function saveCheckpoint(
  folder: string,
  state: Pick<SavedState, 'save'>,
  record: CheckpointRecord,
): void {
  const bytes = encodeSafetensors(state.save());
  const name = checkpointName(record.progress);
  writeAtomic(join(folder, `${name}.safetensors`), bytes);
  const content = { ...record, sha256: sha256(bytes) };
  const manifest = { ...content, digest: hashJson(content) };
  try {
    writeAtomic(join(folder, `${name}.json`), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (error) {
    removeTensorsAlone(folder);
    throw error;
  }
  const names = checkpointNames(folder);
  // What is further on than a run that goes on could not be used.
  const further = names.filter((other) => other > name);
  for (const old of [...further, ...names.slice(further.length + kept)]) {
    rmSync(join(folder, `${old}.json`), { force: true });
    rmSync(join(folder, `${old}.safetensors`), { force: true });
  }
}

/**
 * Puts a state where its newest whole checkpoint left it. A broken one is reported and the one before it
 * is taken.
 *
 * @returns how far the run had come and its metrics; undefined where there is no checkpoint.
 * @throws LabError of kind `results` when checkpoints are there and none is whole.
 */
export function restoreCheckpoint(
  folder: string,
  state: Pick<SavedState, 'restore'>,
  recipeHash: string,
  report: (message: string) => void,
): CheckpointRecord | undefined {
  removeUnfinishedWrites(folder);
  removeTensorsAlone(folder);
  const names = checkpointNames(folder);
  for (const name of names) {
    try {
      return restoreFrom(folder, name, state, recipeHash);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      report(`checkpoint ${name} cannot be used, falling back: ${error.message}`);
    }
  }
  if (names.length === 0) return undefined;
  throw resultsError`no checkpoint of this run can be used (${folder}): found ${names.join(', ')}. Delete the folder to train this run from its beginning`;
}

/** Frees the disk of a finished run's checkpoints. */
export function removeTrainingState(directory: string): void {
  rmSync(checkpointsOf(directory), { recursive: true, force: true });
}

function restoreFrom(
  folder: string,
  name: string,
  state: Pick<SavedState, 'restore'>,
  recipeHash: string,
): CheckpointRecord {
  const place = join(folder, `${name}.json`);
  const fault = (found: string): LabError =>
    resultsError`a corrupted checkpoint (${place}): found ${found}. The run goes on from an earlier one if there is one`;
  const parsed = manifestSchema.safeParse(readJson(place, 'Delete it'));
  if (!parsed.success) throw fault(parsed.error.issues[0]?.message ?? 'a broken manifest');
  const { digest, ...content } = parsed.data;
  if (hashJson(content) !== digest) throw fault('a manifest with other numbers than were written');
  if (content.recipeHash !== recipeHash) throw fault('the recipe of another run');
  const file = join(folder, `${name}.safetensors`);
  if (!existsSync(file)) throw fault('no tensors beside it');
  const bytes = readFileSync(file);
  if (sha256(bytes) !== content.sha256) {
    throw fault('tensors whose hash is not the one written with them');
  }
  state.restore(decodeSafetensors(bytes, file).tensors, file);
  return { recipeHash, progress: content.progress, metrics: content.metrics };
}

/** Removes tensors whose manifest was not written any more: they are no checkpoint. */
function removeTensorsAlone(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const [whole, step] = /^(.*)\.safetensors$/.exec(name) ?? [];
    if (whole !== undefined && !existsSync(join(folder, `${step}.json`))) {
      rmSync(join(folder, whole), { force: true });
    }
  }
}

/** Zero-padded, so that names sort by progress. */
function checkpointName({ step }: Progress): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** Newest first. */
function checkpointNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return (
    readdirSync(folder)
      // Those of an earlier version too: they are refused rather than passed over in silence.
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort()
      .reverse()
  );
}
