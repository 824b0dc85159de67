import { type LossTerm, needs } from '../../distill/terms';
import { type LabError, optionError, unknownName } from '../../errors';
import { modelNames } from '../../models/registry';
import type { TrainingData } from '../../train/batch-source';
import { scaledToEpochs, type TrainingRecipe } from '../../train/recipe';
import { type Cell, gridOf } from '../grid';
import type { Classification } from '../classification';
import { teacherMethod } from '../plan';
import type { StudyEvents } from '../run-study';
import type { GivenTeacher } from '../task';

const fromTeacher = [
  'teacher',
  'teacher batch statistics',
  'class means',
  'teacher space',
] as const;

/** Whether a method is another one under another teacher. */
export function learnsFromTeacher(name: string, terms: readonly LossTerm[]): boolean {
  return fromTeacher.some((need) => needs({ name, terms }, need));
}

/** The cells to train, in their order: what learns nothing of a teacher stands beside the first alone. */
export function cellsOf({ teachers, students, methods, seeds }: SweepGrid): Cell[] {
  const [first] = teachers;
  const pairs = students.flatMap((student) => teachers.map((teacher) => ({ teacher, student })));
  return gridOf(pairs, Object.keys(methods), seeds).filter(
    ({ teacher, method }) => teacher === first || learnsFromTeacher(method, methods[method] ?? []),
  );
}

/** What every run of a sweep shares besides its networks and losses; the paper's on CIFAR-100 unless given. */
export type SweepRecipe = Pick<TrainingRecipe, 'epochs'> &
  Partial<Omit<TrainingRecipe, 'student' | 'method' | 'epochs'>>;

/** A grid: every teacher with every student, by every method, with every seed. */
export interface SweepOptions<T extends string, S extends string, M extends string> {
  /** Its runs lie in `<results>/runs/sweep-<name>`. */
  readonly name: string;
  /** The results directory; `results` in the current directory unless given. */
  readonly results?: string;
  /** Networks by the names of `modelNames`; each is trained once, before its first student. */
  readonly teachers: readonly T[];
  readonly students: readonly S[];
  /**
   * The losses of each method by its name: `{ alone: [crossEntropy()], kd: [crossEntropy(), kd()] }`. A
   * method that needs nothing of a teacher is trained once for all of them. Warm-ups count this
   * sweep's epochs.
   */
  readonly methods: Readonly<Record<M, readonly LossTerm[]>>;
  readonly seeds: readonly number[];
  /** From `loadDataset`, or one of your own. */
  readonly dataset: TrainingData;
  readonly recipe: SweepRecipe;
  /** Of teachers that are trained here; `recipe` unless given. */
  readonly teacherRecipe?: SweepRecipe;
  /** Teachers that are not trained here. */
  readonly givenTeachers?: Readonly<Partial<Record<T, GivenTeacher>>>;
  /** The seed of all teachers; 0 unless given. */
  readonly teacherSeed?: number;
  /** Aborting it saves and stops; unless given, Ctrl-C does that. */
  readonly signal?: AbortSignal;
  /** Who hears of the progress; unless given it goes to standard error. */
  readonly events?: StudyEvents<Classification>;
}

export type AnySweepOptions = SweepOptions<string, string, string>;
type SweepGrid = Pick<AnySweepOptions, 'teachers' | 'students' | 'methods' | 'seeds'>;

const standard = {
  batchSize: 128,
  learningRate: 0.1,
  schedule: { kind: 'step', milestones: [150, 180, 210], factor: 0.1 },
  optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
  augmentation: 'pad-crop-flip',
} as const;

/** The recipe with what it leaves out: the paper's on CIFAR-100, its milestones in proportion to the epochs. */
export function completedRecipe(
  { epochs, ...given }: SweepRecipe,
  { student, method }: Pick<TrainingRecipe, 'student' | 'method'>,
): TrainingRecipe {
  const none = { name: method.name, terms: [] };
  const scaled = scaledToEpochs({ ...standard, student, method: none, epochs: 240 }, epochs);
  return { ...scaled, ...given, method };
}

/**
 * Checks what the types cannot.
 *
 * @throws LabError of kind `option` that names the list and what is wrong in it.
 */
export function checkSweep(
  options: SweepGrid & Pick<AnySweepOptions, 'name' | 'teacherSeed'>,
): void {
  const { name, teachers, students, methods, seeds, teacherSeed = 0 } = options;
  if (!/^[\w.+-]+$/.test(name)) {
    throw wrong(
      'name',
      `'${name}'`,
      'Give it a name of letters, digits and . _ + -: a folder of that name holds the runs',
    );
  }
  const names = Object.keys(methods);
  for (const [list, values] of Object.entries({ teachers, students, methods: names, seeds })) {
    const repeated = values.find((value, index) => values.indexOf(value as never) !== index);
    if (values.length > 0 && repeated === undefined) continue;
    const found = values.length === 0 ? 'an empty list' : `'${repeated}' twice`;
    throw wrong(list, found, 'Give at least one, and each once');
  }
  for (const [list, models] of Object.entries({ teachers, students })) {
    const unknown = models.find((model) => !modelNames.includes(model));
    if (unknown !== undefined) throw unknownName('model', unknown, modelNames, list);
  }
  for (const [list, values] of Object.entries({ seeds, teacherSeed: [teacherSeed] })) {
    const seed = values.find((value) => !Number.isSafeInteger(value) || value < 0);
    if (seed !== undefined) throw wrong(list, String(seed), 'Give whole numbers of at least 0');
  }
  for (const [method, terms] of Object.entries(methods)) {
    if (method === teacherMethod) {
      throw wrong(
        'methods',
        `'${method}'`,
        'Name it otherwise: the teachers’ own runs have that name',
      );
    }
    if (terms.length === 0)
      throw wrong(`methods.${method}`, 'no loss', 'Give at least crossEntropy()');
  }
}

function wrong(where: string, found: string, fix: string): LabError {
  return optionError`this sweep cannot be run (${where}): found ${found}. ${fix}`;
}
