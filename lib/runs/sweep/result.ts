import { bestEpoch, bySeed, lastTop1 } from '../measures';
import { readRun, type Run } from '../store';
import {
  bySeedOf,
  pairedDifference,
  summarise,
  type BySeed,
  type Summary,
} from '../../statistics/summary';
import { trendOf, type Trend } from '../../statistics/trend';
import { pairName } from '../grid';
import { type PlannedRun, teacherMethod } from '../plan';
import { learnsFromTeacher, type SweepOptions } from './options';

/** What is measured of a run after its last epoch; `best` is the top-1 of its best one. */
export type SweepMeasure = 'top1' | 'best' | 'studentNorm' | 'cosine';

/** One method of one student under one teacher, over the seeds. Top-1 in percent. */
export interface SweepCell<T extends string, S extends string, M extends string> {
  readonly teacher: T;
  readonly student: S;
  readonly method: M;
  /** Top-1 on the test images after the last epoch: mean, standard deviation, 95 % interval. */
  readonly top1: Summary;
  readonly best: Summary;
  /** Mean ‖f‖ of the student's embeddings over the test images. */
  readonly studentNorm: Summary;
  /** Mean cosine to the teacher's class means; null for what was trained beside another teacher. */
  readonly cosine: Summary | null;
  /** The runs behind it, each with all its epochs, by seed. */
  readonly runs: readonly Run[];
}

/** A paired difference over the seeds: shown where its interval leaves 0 out, which three seeds have at least. */
export type SweepDifference = Summary;

/** What a sweep measured. */
export interface SweepResult<T extends string, S extends string, M extends string> {
  /** Every cell of the grid, student by student, teacher by teacher. */
  readonly cells: readonly SweepCell<T, S, M>[];
  /** What was measured of one teacher, student and method. @throws RangeError for what is not of the grid */
  cell(of: { readonly teacher: T; readonly student: S; readonly method: M }): SweepCell<T, S, M>;
  /**
   * `better − worse` on equal seeds under one teacher.
   *
   * @throws RangeError where one of them lacks the measure, as `alone` beside another teacher lacks the cosine.
   */
  compare(
    pair: { readonly teacher: T; readonly student: S },
    better: M,
    worse: M,
    measure?: SweepMeasure,
  ): SweepDifference;
  /**
   * How a student's top-1 rises with the size of its teacher; null with fewer than three teachers.
   *
   * @throws RangeError where no method of the sweep learns from the teachers, which then are not trained.
   */
  trend(of: { readonly student: S; readonly method: M }): Trend | null;
  /** Parameters of a teacher, and its top-1 in percent. @throws RangeError as `trend` does */
  teacher(name: T): { readonly parameters: number; readonly top1: number };
}

/** @throws LabError when the files of a run are broken. */
export function sweepResult<T extends string, S extends string, M extends string>(
  { teachers, students, methods }: SweepOptions<T, S, M>,
  planned: readonly PlannedRun[],
): SweepResult<T, S, M> {
  const runs = planned
    .filter(({ method }) => method !== teacherMethod)
    .map(({ directory }) => readRun(directory));
  // Object.keys forgets the names' type, which the options state.
  const names = Object.keys(methods) as M[];
  const [first] = teachers;
  const cellOf = (teacher: T, student: S, method: M): SweepCell<T, S, M> => {
    const own = learnsFromTeacher(method, methods[method]);
    const pair = pairName({ teacher: own ? teacher : (first ?? teacher), student });
    return summarised(
      { teacher, student, method },
      runs.filter(({ config }) => config.pair === pair && config.method === method),
      own || teacher === first,
    );
  };
  const cells = students.flatMap((student) =>
    teachers.flatMap((teacher) => names.map((method) => cellOf(teacher, student, method))),
  );
  const cell: SweepResult<T, S, M>['cell'] = (of) =>
    found(
      cells.find(
        ({ teacher, student, method }) =>
          teacher === of.teacher && student === of.student && method === of.method,
      ),
    );
  const teacher = (name: T): { parameters: number; top1: number } => {
    const { provenance } = found(runs.find(({ config }) => config.teacher === name));
    return {
      parameters: provenance?.teacherParameters ?? Number.NaN,
      top1: provenance?.teacherTop1 ?? Number.NaN,
    };
  };
  return {
    cells,
    cell,
    teacher,
    compare(pair, better, worse, measure = 'top1') {
      return found(
        pairedDifference(
          valuesOf(cell({ ...pair, method: better }), measure),
          valuesOf(cell({ ...pair, method: worse }), measure),
        ),
      );
    },
    trend: ({ student, method }) =>
      trendOf(
        teachers.map((name) => ({
          parameters: teacher(name).parameters,
          values: valuesOf(cell({ teacher: name, student, method }), 'top1'),
        })),
      ),
  };
}

function summarised<T extends string, S extends string, M extends string>(
  of: Pick<SweepCell<T, S, M>, 'teacher' | 'student' | 'method'>,
  runs: readonly Run[],
  ownTeacher: boolean,
): SweepCell<T, S, M> {
  const over = (value: (run: Run) => number | null | undefined): Summary | null =>
    summarise(bySeed(runs, (run) => value(run) ?? undefined));
  return {
    ...of,
    top1: found(over(lastTop1)),
    best: found(over((run) => bestEpoch(run)?.top1)),
    studentNorm: found(over(({ metrics }) => metrics.at(-1)?.studentNorm)),
    cosine: ownTeacher ? over(({ metrics }) => metrics.at(-1)?.cosineToClassMean) : null,
    runs,
  };
}

function valuesOf(cell: SweepCell<string, string, string>, measure: SweepMeasure): BySeed {
  return bySeedOf(cell[measure]);
}

function found<V>(value: V | null | undefined): V {
  if (value !== null && value !== undefined) return value;
  throw new RangeError('this is no cell of the sweep, or the measure is not one of its methods’');
}
