import type { EngineDescription } from '../engine/describe';
import type { Scale } from '../results/schema';
import type { TrainingData } from '../train/batch-source';
import type { TrainingEvents } from '../train/train';
import { executeRun, isRunFinished } from './execute';
import type { PlannedRun } from './plan';
import { type LockOwner, pause, readRunOwner, type RunLock, tryRunLock } from './run-lock';
import type { TrainedTeacher } from './teacher';
import { type TeacherShelf, teacherShelf } from './teacher-shelf';

/** A teacher whose weights the user gives. */
export interface GivenTeacher {
  readonly weights: string;
  /** A file of its class means; made beside the study's runs when not given. */
  readonly classMeans?: string;
  /** What the record says of where it is from; the file's name when not given. */
  readonly source?: string;
}

/** Where a run stands among those asked for. */
export interface RunPlace {
  readonly index: number;
  readonly total: number;
  /** What is still to be done besides it. */
  readonly others: readonly PlannedRun[];
}

/** How a run came to its end, seen from this process. */
export type RunOutcome = 'finished before' | 'finished elsewhere' | 'trained';

/** What a study tells while it runs. */
export interface StudyEvents {
  /** Before a run; the events of its training go where this says. */
  readonly onRun?: (run: PlannedRun, place: RunPlace) => TrainingEvents;
  readonly onRunEnd?: (run: PlannedRun, outcome: RunOutcome) => void;
  readonly onTeacher?: (teacher: TrainedTeacher) => void;
  readonly onClassMeans?: (teacher: string, done: number, total: number) => void;
  /** Nothing is left to do here but to wait for what other processes train (owner known) or wait for. */
  readonly onWait?: (runs: readonly { run: PlannedRun; owner: LockOwner | undefined }[]) => void;
}

export interface StudyOptions extends StudyEvents {
  readonly study: string;
  readonly scale: Scale;
  readonly resultsRoot: string;
  readonly runs: readonly PlannedRun[];
  readonly dataset: TrainingData;
  readonly givenTeachers: ReadonlyMap<string, GivenTeacher>;
  readonly teacherSeed: number;
  readonly engine: EngineDescription;
  readonly command: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs a study to its end, one run after the other; finished runs are passed over and unfinished ones
 * go on where they stopped. Other processes may run the same study at the same time: a run that one of
 * them trains is left for later, and taken over when that process ends without having finished it.
 *
 * @throws LabError as `executeRun` and `loadTeacher` do; what was finished stays on disk.
 */
export async function runStudy(options: StudyOptions): Promise<void> {
  const pending = new Set(options.runs);
  const teachers = teacherShelf(options);
  let waitedFor = '';
  try {
    while (pending.size > 0) {
      const next = await takeNext(pending, options.runs);
      if (next) {
        await runOne(next, pending, teachers, options);
        continue;
      }
      const elsewhere = [...pending].map((run) => ({ run, owner: readRunOwner(run.directory) }));
      const state = elsewhere.map(({ run, owner }) => `${run.directory} ${owner?.token}`).join();
      if (state !== waitedFor) options.onWait?.(elsewhere);
      waitedFor = state;
      await pause(options.signal);
    }
  } finally {
    teachers.dispose();
  }
}

interface TakenRun {
  readonly run: PlannedRun;
  /** Absent for a run that is finished. */
  readonly lock: RunLock | undefined;
}

/** The first run that is finished, or that no other process holds and whose teacher is finished. */
async function takeNext(
  pending: ReadonlySet<PlannedRun>,
  runs: readonly PlannedRun[],
): Promise<TakenRun | undefined> {
  const unready = new Set(
    runs
      .filter(({ kind, directory }) => kind === 'teacher' && !isRunFinished(directory))
      .map(({ student }) => student),
  );
  for (const run of pending) {
    if (run.teacher !== null && unready.has(run.teacher)) continue;
    if (isRunFinished(run.directory)) return { run, lock: undefined };
    const lock = await tryRunLock(run.directory);
    if (lock) return { run, lock };
  }
  return undefined;
}

async function runOne(
  { run, lock }: TakenRun,
  pending: Set<PlannedRun>,
  teachers: TeacherShelf,
  options: StudyOptions,
): Promise<void> {
  const { study, scale, runs, dataset, engine, command, signal } = options;
  try {
    const teacher = run.teacher === null ? undefined : await teachers.get(run.teacher);
    const events =
      options.onRun?.(run, {
        index: runs.indexOf(run),
        total: runs.length,
        others: [...pending].filter((other) => other !== run),
      }) ?? {};
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
        ...(lock ? { assertHeld: lock.assertHeld } : {}),
      },
      events,
    );
    pending.delete(run);
    const elsewhere = outcome === 'finished before' && !run.finished;
    options.onRunEnd?.(run, elsewhere ? 'finished elsewhere' : outcome);
  } finally {
    await lock?.release();
  }
}
