import { basename, join } from 'node:path';
import type { ImageDataset } from '../data/types';
import type { EngineDescription } from '../engine/describe';
import { runDirectory } from '../results/paths';
import type { Scale } from '../results/schema';
import type { TrainingEvents } from '../train/train';
import { executeRun, weightsFile } from './execute';
import type { PlannedRun } from './plan';
import { classMeansFile, loadTeacher, type TrainedTeacher } from './teacher';

/** A teacher whose weights the user gives. */
export interface GivenTeacher {
  readonly weights: string;
  /** A file of its class means; made beside the study's runs when not given. */
  readonly classMeans?: string;
}

/** What a study tells while it runs. */
export interface StudyEvents {
  /** Before a run; the events of its training go where this says. */
  readonly onRun?: (run: PlannedRun, place: { index: number; total: number }) => TrainingEvents;
  readonly onRunEnd?: (run: PlannedRun, outcome: 'finished before' | 'trained') => void;
  readonly onTeacher?: (teacher: TrainedTeacher) => void;
  readonly onClassMeans?: (teacher: string, done: number, total: number) => void;
}

export interface StudyOptions extends StudyEvents {
  readonly study: string;
  readonly scale: Scale;
  readonly resultsRoot: string;
  readonly runs: readonly PlannedRun[];
  readonly dataset: ImageDataset;
  readonly givenTeachers: ReadonlyMap<string, GivenTeacher>;
  readonly teacherSeed: number;
  readonly engine: EngineDescription;
  readonly command: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs a study to its end, one run after the other; finished runs are passed over and unfinished ones
 * go on where they stopped.
 *
 * @throws LabError as `executeRun` and `loadTeacher` do; what was finished stays on disk.
 */
export async function runStudy(options: StudyOptions): Promise<void> {
  const { study, scale, runs, dataset, engine, command, signal } = options;
  const teachers = new Map<string, TrainedTeacher>();
  try {
    for (const [index, run] of runs.entries()) {
      const teacher =
        run.teacher === null ? undefined : await teacherOf(run.teacher, teachers, options);
      const events = options.onRun?.(run, { index, total: runs.length }) ?? {};
      const outcome = await executeRun(
        {
          study,
          scale,
          pair: run.pair,
          recipe: run.recipe,
          seed: run.seed,
          dataset,
          ...(teacher ? { teacher } : {}),
          directory: run.directory,
          command,
          engine,
          ...(signal ? { signal } : {}),
        },
        events,
      );
      options.onRunEnd?.(run, outcome);
    }
  } finally {
    for (const { model } of teachers.values()) model.dispose();
  }
}

async function teacherOf(
  name: string,
  loaded: Map<string, TrainedTeacher>,
  options: StudyOptions,
): Promise<TrainedTeacher> {
  const known = loaded.get(name);
  if (known) return known;
  const { study, resultsRoot, dataset, teacherSeed, givenTeachers } = options;
  const directory = runDirectory(resultsRoot, {
    study,
    pair: name,
    method: 'teacher',
    seed: teacherSeed,
  });
  const given = givenTeachers.get(name);
  const teacher = await loadTeacher({
    name,
    dataset,
    weights: given?.weights ?? weightsFile(directory),
    // The file's name, not its place: the record is for others to read.
    source: given ? basename(given.weights) : 'trained here',
    classMeans:
      given?.classMeans ??
      (given
        ? join(directory, 'given-teacher.class-means.safetensors')
        : classMeansFile(directory)),
    makeClassMeans: given?.classMeans === undefined,
    ...(options.onClassMeans
      ? { onProgress: (done, total) => options.onClassMeans?.(name, done, total) }
      : {}),
  });
  loaded.set(name, teacher);
  options.onTeacher?.(teacher);
  return teacher;
}
