import type { EngineDescription } from '../engine/describe';
import type { StateDict } from '../nn/state';
import type { TrainingEvents } from '../train/task';
import type { PlannedRun, RunRecipe } from './plan';
import type { Scale } from './schema';
import type { AnyRunStore } from './store';

/** A teacher whose weights the user gives. */
export interface GivenTeacher {
  readonly weights: string;
  /** A file of its class means; made beside the study's runs when not given. */
  readonly classMeans?: string;
  /** What the record says of where it is from; the file's name when not given. */
  readonly source?: string;
}

/** A teacher ready for use, and where it came from. */
export interface LoadedTeacher {
  readonly name: string;
  /** Of its weights. */
  readonly hash: string;
  /** Of its class means; null where no method needs them. */
  readonly classMeansHash: string | null;
  /** `trained here`, or the file that it was read from. */
  readonly source: string;
  /** Measured on the test set before use, in percent, where it was. */
  readonly top1?: number;
  dispose(): void;
}

/** What provenance says of a teacher that is not a published one. */
export const trainedHere = 'trained here';

/** The types of a task. */
export interface TaskKind {
  readonly recipe: RunRecipe;
  /** A line of metrics. */
  readonly line: unknown;
  readonly teacher: LoadedTeacher;
}

/** Where a teacher is loaded from. */
export interface TeacherRequest {
  readonly name: string;
  /** The directory of its run: weights and class means that are made here lie there. */
  readonly directory: string;
  readonly given: GivenTeacher | undefined;
  readonly signal: AbortSignal | undefined;
  /** Hears how far the class means are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What a run tells while it is made. */
export type RunEvents<Kind extends TaskKind> = TrainingEvents<Kind['line']> & {
  /** Images of an evaluation after the training. */
  readonly onImages?: (done: number, total: number) => void;
};

/** Everything that one run needs besides its task. */
export interface RunRequest<Kind extends TaskKind> {
  readonly study: string;
  readonly scale: Scale;
  readonly run: Pick<
    PlannedRun<Kind['recipe']>,
    'pair' | 'student' | 'method' | 'seed' | 'recipe' | 'directory'
  >;
  readonly teacher?: Kind['teacher'] | undefined;
  /** What the user typed. */
  readonly command: string;
  readonly engine: EngineDescription;
  readonly signal?: AbortSignal | undefined;
  /** Called before anything is written; throws when the run belongs to another process by now. */
  readonly assertHeld?: (() => void) | undefined;
  /** Where given, checkpoints come after so many steps. */
  readonly checkpointEvery?: number | undefined;
}

/** A run that has begun: its student, and what only its task knows of it. */
export interface StartedRun<Kind extends TaskKind> {
  readonly parameters: number;
  stateDict(): StateDict;
  /** What the file of weights says of them. */
  readonly about: Readonly<Record<string, string>>;
  /**
   * Trains to the end, going on from the checkpoint, and evaluates.
   *
   * @param onRecord is called when there is more to say in the provenance.
   */
  train(
    training: RunEvents<Kind> & { readonly recipeHash: string; readonly onRecord: () => void },
  ): Promise<void>;
  /** Writes what the task keeps besides weights and provenance. */
  writeOutputs(): void;
  /** The task's own fields of the provenance, as they are known now. */
  provenance(): Readonly<Record<string, unknown>>;
  dispose(): void;
}

/**
 * One kind of training with its data: all that differs between an image classifier and a detector. The
 * grid, its plan, locks, records, teachers, progress, jobs and costs are the runner's.
 */
export interface Task<Kind extends TaskKind> {
  /** Carries the types; it is never there. */
  readonly types?: Kind;
  /** Reads and writes the records of its runs. */
  readonly store: AnyRunStore;
  /** The data as records name them. */
  readonly dataset: string;
  /** Of the training data. */
  readonly dataHash: string;
  /** What was left out of the data or looked odd, in words. */
  readonly notes: readonly string[];
  /** The data in words, for the beginning of a study: `50000 + 10000 images of 32 × 32, 100 classes`. */
  readonly about: string;
  /** What decides a run besides the recipe: hashes of data, teacher, class means. */
  hashes(
    request: Pick<RunRequest<Kind>, 'run' | 'teacher'>,
  ): Readonly<Record<string, string | null>>;
  /** @throws LabError when a recipe cannot run on these data, before anything is trained. */
  requireFits(recipe: Kind['recipe']): void;
  /** @throws LabError when a given teacher's files do not fit, before anything is timed or trained. */
  requireGiven(name: string, given: GivenTeacher): Promise<void>;
  loadTeacher(request: TeacherRequest): Promise<Kind['teacher']>;
  /** The teacher with what a recipe needs of it: class means, at other places. */
  teacherFor(
    teacher: Kind['teacher'],
    recipe: Kind['recipe'],
    request: TeacherRequest,
  ): Promise<Kind['teacher']>;
  begin(request: RunRequest<Kind>): Promise<StartedRun<Kind>>;
  /** A line of metrics in short: `loss 0.512, top-1 71.23 %`. */
  summary(line: Kind['line']): string;
  readonly costs: TaskCosts<Kind['recipe']>;
  dispose?(): Promise<void> | void;
}

/** How long an epoch or an iteration takes. */
export interface TaskCosts<Recipe extends RunRecipe> {
  /** Runs of one key take about as long. */
  key(run: PlannedRun<Recipe>): string;
  /**
   * Seconds as a step here says, which takes some seconds; `onTiming` hears what is timed. What runs of the plan spare
   * each other is spread over them all.
   */
  estimate(
    run: PlannedRun<Recipe>,
    onTiming: (what: string) => void,
    plan: readonly PlannedRun<Recipe>[],
  ): number;
  /** The memory that runs should take, in lines; where it was never looked into, there is none. */
  memory?(
    runs: readonly PlannedRun<Recipe>[],
    onTiming: (what: string) => void,
  ): Promise<readonly MemoryEstimate[]>;
}

/** What a step of a run should take in memory, estimated from two small ones. */
export interface MemoryEstimate {
  readonly pair: string;
  readonly method: string;
  /** Samples that are computed at once. */
  readonly samples: number;
  readonly totalBytes: number;
}
