import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { below } from '../distill/objective';
import { LabError } from '../errors';
import { removeUnfinishedWrites } from '../files';
import { readSafetensors, writeSafetensors } from '../formats/safetensors';
import type { StateDict, StateEntry } from '../nn/state';
import type { DetectionLearner } from './learner';
import { type DetectionMetrics, detectionMetricsSchema } from './training-metrics';

/** How far a run has come. */
export interface DetectionCheckpoint {
  /** Iterations done. */
  readonly iteration: number;
  /** Iterations that no line of metrics holds yet. */
  readonly pending: readonly DetectionMetrics[];
}

interface CheckpointPlace {
  readonly directory: string;
  readonly learner: DetectionLearner;
  readonly recipeHash: string;
  readonly onNotice?: (message: string) => void;
}

const metadataSchema = z.object({
  recipeHash: z.string(),
  iteration: z.coerce.number().int().nonnegative(),
  pending: z.string(),
});

/** The last one, and one to fall back on. */
const kept = 2;

/** Writes a checkpoint: one file with a hash of its content, atomically. */
export function saveDetection(
  { directory, learner, recipeHash }: CheckpointPlace,
  { iteration, pending }: DetectionCheckpoint,
): void {
  const folder = folderOf(directory);
  const name = `iteration-${String(iteration).padStart(8, '0')}.safetensors`;
  writeSafetensors(join(folder, name), tensorsOf(learner), {
    recipeHash,
    iteration: String(iteration),
    pending: JSON.stringify(pending),
  });
  for (const old of checkpointNames(folder).slice(kept)) rmSync(join(folder, old), { force: true });
}

/**
 * Puts a learner where its newest whole checkpoint left it; a broken one is reported and the one before
 * it taken.
 *
 * @throws LabError of kind `results` when checkpoints are there and none is whole.
 */
export function restoreDetection(place: CheckpointPlace): DetectionCheckpoint | undefined {
  const folder = folderOf(place.directory);
  removeUnfinishedWrites(folder);
  const names = checkpointNames(folder);
  for (const name of names) {
    try {
      return restoreFrom(join(folder, name), place);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      place.onNotice?.(`checkpoint ${name} cannot be used, falling back: ${error.message}`);
    }
  }
  if (names.length === 0) return undefined;
  throw new LabError({
    kind: 'results',
    what: 'no checkpoint of this run can be used',
    where: folder,
    found: names.join(', '),
    remedy: 'Delete the folder to train this run from its beginning',
  });
}

function restoreFrom(path: string, { learner, recipeHash }: CheckpointPlace): DetectionCheckpoint {
  const { tensors, metadata } = readSafetensors(path);
  const fault = (found: string): LabError =>
    new LabError({
      kind: 'results',
      what: 'not a checkpoint of this run',
      where: path,
      found,
      remedy: 'The run goes on from an earlier one if there is one',
    });
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) throw fault('another kind of file');
  if (parsed.data.recipeHash !== recipeHash) throw fault('the recipe of another run');
  learner.student.loadStateDict(below(tensors, 'student/'), path);
  learner.objective?.state?.loadStateDict(below(tensors, 'terms/'), path);
  learner.optimiser.restore(below(tensors, 'optimiser/'));
  const pending = z.array(detectionMetricsSchema).parse(JSON.parse(parsed.data.pending));
  return { iteration: parsed.data.iteration, pending };
}

function tensorsOf({ student, objective, optimiser }: DetectionLearner): Map<string, StateEntry> {
  const tensors = new Map<string, StateEntry>();
  const add = (prefix: string, entries: StateDict): void => {
    for (const [name, entry] of entries) tensors.set(`${prefix}/${name}`, entry);
  };
  add('student', student.stateDict());
  if (objective?.state) add('terms', objective.state.stateDict());
  add('optimiser', optimiser.save());
  return tensors;
}

function folderOf(directory: string): string {
  return join(directory, 'checkpoints');
}

/** Newest first; names sort by iteration. */
function checkpointNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^iteration-\d+\.safetensors$/.test(name))
    .sort()
    .reverse();
}
