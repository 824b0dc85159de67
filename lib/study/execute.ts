import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineDescription } from '../engine/describe';
import { LabError } from '../errors';
import { removeUnfinishedWrites } from '../files';
import { writeSafetensors } from '../formats/safetensors';
import { createModel } from '../models/registry';
import { hashStateDict } from '../nn/hash';
import type { Model } from '../nn/model';
import { codeRevision, peakMemoryMiB, processorName, softwareVersions } from '../environment';
import { hashJson } from '../canonical';
import { assertSameRecipe } from '../results/recipe';
import type { Provenance, RunConfig, Scale } from '../results/schema';
import { metricsFile, readMetrics } from '../results/metrics';
import { readProvenance, writeConfig, writeProvenance } from '../results/store';
import type { TrainingData } from '../train/batch-source';
import { trainClassifier } from '../train/classifier';
import type { TrainingRecipe } from '../train/recipe';
import { removeTrainingState, type TrainingEvents } from '../train/train';
import type { TrainedTeacher } from './teacher';
import { withPlacesOf } from './teacher-places';

/** Everything that one run of a study needs. */
export interface RunRequest {
  readonly study: string;
  readonly scale: Scale;
  /** As the results name it: `resnet56:resnet20`, or the teacher alone for its own run. */
  readonly pair: string;
  readonly recipe: TrainingRecipe;
  readonly seed: number;
  readonly dataset: TrainingData;
  readonly teacher?: TrainedTeacher;
  readonly directory: string;
  /** What the user typed. */
  readonly command: string;
  readonly engine: EngineDescription;
  readonly signal?: AbortSignal;
  /** Called before anything is written; throws when the run belongs to another process by now. */
  readonly assertHeld?: () => void;
}

/** The trained weights of a run lie here, in PyTorch's names. */
export function weightsFile(directory: string): string {
  return join(directory, 'weights.safetensors');
}

/** The configuration that a request's run directory must have. */
export function configOf(request: Omit<RunRequest, 'engine' | 'directory' | 'command'>): RunConfig {
  const { study, scale, pair, recipe, seed, dataset, teacher } = request;
  const whole = {
    training: recipe,
    datasetHash: dataset.hash,
    teacherHash: teacher?.hash ?? null,
    classMeansHash: teacher?.classMeansHash ?? null,
  };
  return {
    study,
    scale,
    pair,
    teacher: teacher?.model.name ?? null,
    student: recipe.student,
    method: recipe.method.name,
    seed,
    dataset: dataset.name,
    epochs: recipe.epochs,
    batchSize: recipe.batchSize,
    precision: recipe.precision ?? 'f32',
    recipeHash: hashJson(whole),
    recipe: whole,
  };
}

/** Whether a run directory holds a finished run; it says nothing of which recipe. */
export function isRunFinished(directory: string): boolean {
  return existsSync(weightsFile(directory)) && readProvenance(directory)?.ended === 'finished';
}

/**
 * Trains one run to its end, going on from its checkpoint, and writes its weights and provenance. A
 * finished run of the same recipe is left as it is.
 *
 * @throws LabError as `trainClassifier` does, and of kind `results` when the directory belongs to another recipe.
 */
export async function executeRun(
  request: RunRequest,
  events: TrainingEvents = {},
): Promise<'finished before' | 'trained'> {
  const { directory, recipe, seed, dataset, teacher } = request;
  const config = configOf(request);
  assertSameRecipe(directory, config);
  if (isRunFinished(directory)) {
    // A kill may have come between the record of the end and this.
    removeTrainingState(directory);
    requireWholeMetrics(directory, recipe);
    return 'finished before';
  }
  const assertHeld = request.assertHeld ?? (() => undefined);
  const student = createModel(recipe.student, {
    classes: dataset.classes.length,
    seed,
    imageSize: dataset.height,
    ...(recipe.dropPath === undefined ? {} : { dropPath: recipe.dropPath }),
  });
  const seconds: number[] = [...(readProvenance(directory)?.secondsPerEpoch ?? [])];
  const opening = openingProvenance(request, student);
  const running = (): void =>
    writeProvenance(directory, { ...opening, secondsPerEpoch: [...seconds] });
  const close = (ended: Provenance['ended'], error: string | null): void => {
    assertHeld();
    writeProvenance(
      directory,
      closed(directory, opening, { ended, error, seconds, student, dataset }),
    );
  };
  try {
    removeUnfinishedWrites(directory);
    writeConfig(directory, config);
    running();
    await trainClassifier({
      ...events,
      recipe,
      recipeHash: config.recipeHash,
      student,
      ...(teacher ? { teacher: await withPlacesOf(recipe.method, teacher) } : {}),
      dataset,
      seed,
      directory,
      ...(request.signal ? { signal: request.signal } : {}),
      assertHeld,
      onEpoch(metrics, epochSeconds) {
        if (Number.isFinite(epochSeconds)) seconds.push(epochSeconds);
        running();
        events.onEpoch?.(metrics, epochSeconds);
      },
    });
    assertHeld();
    writeSafetensors(weightsFile(directory), student.stateDict(), {
      model: recipe.student,
      classes: String(dataset.classes.length),
      dataset: dataset.name,
    });
    close('finished', null);
    removeTrainingState(directory);
    return 'trained';
  } catch (error) {
    const interrupted = error instanceof LabError && error.fault.kind === 'interrupted';
    const message = error instanceof Error ? error.message : String(error);
    try {
      close(interrupted ? 'interrupted' : 'failed', interrupted ? null : message);
    } catch {
      // On a full disk, or in another process' run, nothing can be recorded; the first error tells why.
    }
    throw error;
  } finally {
    student.dispose();
  }
}

/** A finished run has no checkpoint left from which its metrics could be made whole. */
function requireWholeMetrics(directory: string, { epochs }: TrainingRecipe): void {
  const { length } = readMetrics(directory).epochs;
  if (length === epochs) return;
  throw new LabError({
    kind: 'results',
    what: 'the metrics of a finished run are not whole',
    where: join(directory, metricsFile),
    found: `${length} of ${epochs} epochs`,
    remedy: 'Restore the file from a copy, or delete the run directory to train the run again',
  });
}

function openingProvenance(request: RunRequest, student: Model): Provenance {
  const { directory, dataset, teacher, engine, command } = request;
  return {
    ...codeRevision(),
    command,
    startedAt: readProvenance(directory)?.startedAt ?? new Date().toISOString(),
    endedAt: null,
    ended: 'running',
    versions: softwareVersions(engine.tensorflow),
    engine: engine.engine,
    device: engine.device,
    processor: processorName(),
    dataHash: dataset.hash,
    teacherHash: teacher?.hash ?? null,
    teacherSource: teacher?.source ?? null,
    teacherTop1: teacher?.top1 ?? null,
    ...(teacher ? { teacherParameters: teacher.model.state.parameterCount } : {}),
    classMeansHash: teacher?.classMeansHash ?? null,
    checkpointHash: null,
    parameters: student.state.parameterCount,
    secondsPerEpoch: [],
    imagesPerSecond: null,
    peakMemoryMiB: peakMemoryMiB(),
    lastTop1: null,
    bestTop1: null,
    bestEpoch: null,
    error: null,
  };
}

function closed(
  directory: string,
  opening: Provenance,
  end: {
    ended: Provenance['ended'];
    error: string | null;
    seconds: readonly number[];
    student: Model;
    dataset: TrainingData;
  },
): Provenance {
  const { epochs } = readMetrics(directory);
  const best = epochs.reduce<(typeof epochs)[number] | undefined>(
    (top, epoch) => (top === undefined || epoch.testTop1 > top.testTop1 ? epoch : top),
    undefined,
  );
  const sum = end.seconds.reduce((total, second) => total + second, 0);
  return {
    ...opening,
    endedAt: new Date().toISOString(),
    ended: end.ended,
    error: end.error,
    checkpointHash: end.ended === 'finished' ? hashStateDict(end.student.stateDict()) : null,
    secondsPerEpoch: [...end.seconds],
    imagesPerSecond: sum > 0 ? (end.dataset.train.count * end.seconds.length) / sum : null,
    peakMemoryMiB: peakMemoryMiB(),
    lastTop1: epochs.at(-1)?.testTop1 ?? null,
    bestTop1: best?.testTop1 ?? null,
    bestEpoch: best?.epoch ?? null,
  };
}
