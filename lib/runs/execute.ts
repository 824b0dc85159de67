import { join } from 'node:path';
import { peakMemoryMiB } from '../environment';
import { LabError, resultsError } from '../errors';
import { removeUnfinishedWrites } from '../files';
import { writeSafetensors } from '../formats/safetensors';
import { hashStateDict } from '../nn/state';
import { hashJson } from '../records';
import { metricsFile } from '../train/metrics';
import { removeTrainingState } from '../train/train';
import { weightsFile } from './paths';
import { openingProvenance } from './provenance';
import { assertSameRecipe, assertSeedsAlike } from './same-recipe';
import type { CommonConfig, CommonProvenance } from './schema';
import type { RunEvents, RunRequest, StartedRun, Task, TaskKind } from './task';

/** The configuration that a request's run directory must have. */
export function configOf<Kind extends TaskKind>(
  task: Task<Kind>,
  request: RunRequest<Kind>,
): CommonConfig {
  const { study, scale, run, teacher } = request;
  const { pair, student, method, seed, recipe } = run;
  const whole = { training: recipe, ...task.hashes(request) };
  return {
    study,
    scale,
    pair,
    teacher: teacher?.name ?? null,
    student,
    method,
    seed,
    dataset: task.dataset,
    [`${task.store.unit}s`]: task.store.lengthOf(recipe),
    batchSize: recipe.batchSize,
    precision: recipe.precision ?? 'f32',
    recipeHash: hashJson(whole),
    recipe: whole,
  };
}

/**
 * Makes one run to its end, going on from its checkpoint, and writes its weights and provenance. A
 * finished run of the same recipe is left as it is.
 *
 * @throws LabError as the task's training does, and of kind `results` when the directory, or a finished seed
 *   beside it, belongs to another recipe.
 */
export async function executeRun<Kind extends TaskKind>(
  task: Task<Kind>,
  request: RunRequest<Kind>,
  events: RunEvents<Kind> = {},
): Promise<'finished before' | 'trained'> {
  const { store } = task;
  const { directory } = request.run;
  const config = configOf(task, request);
  assertSameRecipe(directory, config, store);
  if (store.isFinishedIn(directory)) {
    // A kill may have come between the record of the end and this.
    removeTrainingState(directory);
    requireWholeMetrics(task, request);
    return 'finished before';
  }
  assertSeedsAlike(directory, config, store);
  const assertHeld = request.assertHeld ?? (() => undefined);
  const started = await task.begin(request);
  const opening = openingProvenance(request, {
    before: store.readProvenance(directory),
    parameters: started.parameters,
    dataHash: task.dataHash,
  });
  const record = (provenance: CommonProvenance): void =>
    store.writeProvenance(directory, { ...provenance, ...started.provenance() });
  const close = (ended: CommonProvenance['ended'], error: string | null): void => {
    assertHeld();
    record({ ...opening, ...endOf(started, ended), error });
  };
  try {
    assertHeld();
    removeUnfinishedWrites(directory);
    store.writeConfig(directory, config);
    record(opening);
    await started.train({
      ...events,
      recipeHash: config.recipeHash,
      onRecord: () => record(opening),
    });
    assertHeld();
    writeSafetensors(weightsFile(directory), started.stateDict(), started.about);
    started.writeOutputs();
    close('finished', null);
    removeTrainingState(directory);
    return 'trained';
  } catch (error) {
    const interrupted = error instanceof LabError && error.kind === 'interrupted';
    const message = error instanceof Error ? error.message : String(error);
    try {
      close(interrupted ? 'interrupted' : 'failed', interrupted ? null : message);
    } catch {
      // On a full disk, or in another process' run, nothing can be recorded; the first error tells why.
    }
    throw error;
  } finally {
    started.dispose();
  }
}

function endOf<Kind extends TaskKind>(
  started: StartedRun<Kind>,
  ended: CommonProvenance['ended'],
): Pick<CommonProvenance, 'endedAt' | 'ended' | 'checkpointHash' | 'peakMemoryMiB'> {
  return {
    endedAt: new Date().toISOString(),
    ended,
    checkpointHash: ended === 'finished' ? hashStateDict(started.stateDict()) : null,
    peakMemoryMiB: peakMemoryMiB(),
  };
}

/** A finished run has no checkpoint left from which its metrics could be made whole. */
function requireWholeMetrics<Kind extends TaskKind>(
  { store }: Task<Kind>,
  { run: { directory, recipe } }: RunRequest<Kind>,
): void {
  const [done, length] = [store.doneIn(directory), store.lengthOf(recipe)];
  if (done === length) return;
  throw resultsError`the metrics of a finished run are not whole (${join(directory, metricsFile)}): found ${done} of ${length} ${store.unit}s. Restore the file from a copy, or delete the run directory to train the run again`;
}
