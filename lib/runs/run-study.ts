import type { EngineDescription } from '../engine/describe';
import { interruption } from '../train/interruption';
import { type ClaimedRun, claimRuns, type WaitedRun } from './claim';
import { executeRun } from './execute';
import { runDirectory } from './paths';
import { type PlannedRun, teacherMethod } from './plan';
import type { Scale } from './schema';
import type { GivenTeacher, RunEvents, Task, TaskKind, TeacherRequest } from './task';

interface TeacherCacheOptions<Kind extends TaskKind> extends Pick<
  StudyEvents<Kind>,
  'onTeacher' | 'onClassMeans'
> {
  readonly task: Task<Kind>;
  readonly study: string;
  readonly resultsRoot: string;
  readonly teacherSeed: number;
  readonly givenTeachers: ReadonlyMap<string, GivenTeacher>;
  readonly signal?: AbortSignal | undefined;
}

/** The teachers of a study, each loaded and measured once. */
interface StudyTeachers<Kind extends TaskKind> {
  /** The teacher of a run, with what its method needs; undefined where it has none. */
  get(
    run: Pick<PlannedRun<Kind['recipe']>, 'teacher' | 'recipe'>,
  ): Promise<Kind['teacher'] | undefined>;
  dispose(): void;
}

/** Loads the teachers of runs when they are asked for. @throws LabError from `get` as the task's `loadTeacher` does. */
export function studyTeachers<Kind extends TaskKind>(
  options: TeacherCacheOptions<Kind>,
): StudyTeachers<Kind> {
  const { task, study, resultsRoot, teacherSeed, givenTeachers, signal } = options;
  const { onTeacher, onClassMeans } = options;
  const loaded = new Map<string, Kind['teacher']>();
  return {
    async get({ teacher: name, recipe }) {
      if (name === null) return undefined;
      const key = { study, pair: name, method: teacherMethod, seed: teacherSeed };
      const request: TeacherRequest = {
        name,
        directory: runDirectory(resultsRoot, key),
        given: givenTeachers.get(name),
        signal,
        onProgress: onClassMeans && ((done, total) => onClassMeans(name, done, total)),
      };
      let teacher = loaded.get(name);
      if (teacher === undefined) {
        teacher = await task.loadTeacher(request);
        loaded.set(name, teacher);
        onTeacher?.(teacher);
      }
      return task.teacherFor(teacher, recipe, request);
    },
    dispose() {
      for (const teacher of loaded.values()) teacher.dispose();
    },
  };
}

/** Where a run stands among those asked for. */
export interface RunPosition<Recipe extends TaskKind['recipe']> {
  readonly index: number;
  readonly total: number;
  /** What is still to be done besides it. */
  readonly others: readonly PlannedRun<Recipe>[];
}

/** How a run came to its end, seen from this process. */
type RunOutcome = 'finished before' | 'finished elsewhere' | 'trained';

/** What a study tells while it runs. */
export interface StudyEvents<Kind extends TaskKind> {
  /** Before a run; the events of its training go where this says. */
  readonly onRun?: (
    run: PlannedRun<Kind['recipe']>,
    position: RunPosition<Kind['recipe']>,
  ) => RunEvents<Kind>;
  readonly onRunEnd?: (run: PlannedRun<Kind['recipe']>, outcome: RunOutcome) => void;
  readonly onTeacher?: (teacher: Kind['teacher']) => void;
  readonly onClassMeans?: (teacher: string, done: number, total: number) => void;
  /** Nothing is left to do here but to wait for what other processes train (owner known) or wait for. */
  readonly onWait?: (runs: readonly WaitedRun<PlannedRun<Kind['recipe']>>[]) => void;
}

interface StudyOptions<Kind extends TaskKind> extends StudyEvents<Kind>, TeacherCacheOptions<Kind> {
  readonly scale: Scale;
  readonly runs: readonly PlannedRun<Kind['recipe']>[];
  readonly engine: EngineDescription;
  readonly command: string;
}

/**
 * Makes the runs of a study to their end, one after the other; finished runs are passed over and
 * unfinished ones go on where they stopped. Other processes may run the same study at the same time: see
 * `claimRuns`.
 *
 * @throws LabError as `executeRun` and the task's `loadTeacher` do; what was finished stays on disk.
 */
export async function runStudy<Kind extends TaskKind>(options: StudyOptions<Kind>): Promise<void> {
  const { task, runs, signal, onWait } = options;
  const teachers = studyTeachers(options);
  try {
    await claimRuns({ runs, isFinished: task.store.isFinishedIn, onWait, signal }, (claimed) =>
      runOne(claimed, teachers, options),
    );
  } finally {
    teachers.dispose();
  }
}

async function runOne<Kind extends TaskKind>(
  { run, lock, others }: ClaimedRun<PlannedRun<Kind['recipe']>>,
  teachers: StudyTeachers<Kind>,
  options: StudyOptions<Kind>,
): Promise<void> {
  const { task, study, scale, runs, engine, command, signal } = options;
  const teacher = await teachers.get(run);
  const events = options.onRun?.(run, { index: runs.indexOf(run), total: runs.length, others });
  const outcome = await executeRun(
    task,
    { study, scale, run, teacher, command, engine, signal, assertHeld: lock?.assertHeld },
    events,
  );
  const elsewhere = outcome === 'finished before' && !run.finished;
  options.onRunEnd?.(run, elsewhere ? 'finished elsewhere' : outcome);
}

/** Runs a study until it is done, or the first Ctrl-C saves and stops it; `report` then hears of it. */
export async function runUntilInterrupted<Kind extends TaskKind>(
  options: Omit<StudyOptions<Kind>, 'signal'>,
  report: { stop(): void; say(text: string): void },
): Promise<void> {
  const { signal, release } = interruption(() =>
    report.say('Stopping: saving this run first (Ctrl-C again stops at once) …'),
  );
  try {
    await runStudy({ ...options, signal });
  } finally {
    report.stop();
    release();
  }
}
