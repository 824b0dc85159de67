import type { EngineDescription } from '../engine/describe';
import type { Scale } from '../results/schema';
import type { TrainingData } from '../train/batch-source';
import type { TrainingEvents } from '../train/train';
import { executeRun, isRunFinished } from './execute';
import type { PlannedRun } from './plan';
import { takeRuns, type TakenRun, type WaitedRun } from './take-runs';
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
  readonly onWait?: (runs: readonly WaitedRun<PlannedRun>[]) => void;
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
 * go on where they stopped. Other processes may run the same study at the same time: see `takeRuns`.
 *
 * @throws LabError as `executeRun` and `loadTeacher` do; what was finished stays on disk.
 */
export async function runStudy(options: StudyOptions): Promise<void> {
  const { runs, signal, onWait } = options;
  const teachers = teacherShelf(options);
  try {
    await takeRuns({ runs, isFinished: isRunFinished, onWait, signal }, (taken) =>
      runOne(taken, teachers, options),
    );
  } finally {
    teachers.dispose();
  }
}

async function runOne(
  { run, lock, others }: TakenRun<PlannedRun>,
  teachers: TeacherShelf,
  options: StudyOptions,
): Promise<void> {
  const { study, scale, runs, dataset, engine, command, signal } = options;
  const teacher = run.teacher === null ? undefined : await teachers.get(run.teacher);
  const place = { index: runs.indexOf(run), total: runs.length, others };
  const events = options.onRun?.(run, place) ?? {};
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
  const elsewhere = outcome === 'finished before' && !run.finished;
  options.onRunEnd?.(run, elsewhere ? 'finished elsewhere' : outcome);
}
