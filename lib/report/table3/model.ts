import { findPaperNumber, paperTable } from '../../paper';
import type { DetectionRun } from '../../runs/store';
import { type BySeed, pairedDifference, summarise, type Summary } from '../../statistics/summary';
import { aloneComparableTo, comparableTo, requireSameRecipes } from '../group';
import { baseOf, inOrder } from '../methods';
import { count } from '../numbers';
import { type Environment, environmentOf } from '../run-record';
import { instead, trainedHere, type Verdict, verdictOf } from '../verdict';

/** COCO's figures that the table shows, in its order. */
export const tableFigures = ['AP', 'AP50', 'AP75', 'APl', 'APm', 'APs'] as const;
export type TableFigure = (typeof tableFigures)[number];

/** One method on one pair; shares in percent. */
export interface Table3Row {
  readonly method: string;
  /** As the paper writes it. */
  readonly label: string;
  /** The paper's AP; null while it is not known to us, or where the paper has no such cell. */
  readonly paper: number | null;
  /** Null without a finished run, or where a figure has nothing to find. */
  readonly measured: Readonly<Record<TableFigure, Summary | null>>;
  /** AP over the student alone in the same training, on the same seeds; null for it and for the teacher. */
  readonly overStudent: Summary | null;
  /** AP of a `++` row over its base in the same training under the same teacher, on the same seeds. */
  readonly overBase: Summary | null;
  readonly verdict: Verdict;
  /** Why it is not the paper's own setting; empty when it is. */
  readonly reasons: readonly string[];
  readonly runs: readonly DetectionRun[];
}

export interface Table3Pair {
  readonly pair: string;
  readonly teacher: string;
  readonly student: string;
  readonly rows: readonly Table3Row[];
}

/** Runs of one setting: one scale, data set, length and batch. */
export interface Table3Group {
  readonly study: string;
  readonly dataset: string;
  readonly scale: string;
  readonly pairs: readonly Table3Pair[];
  readonly environment: Environment;
  readonly dataHash: string | null;
  readonly runs: readonly DetectionRun[];
}

/**
 * The rows of one folder of runs: a group for each data, length and batch of its students, the longest first;
 * nothing is averaged over two of them. Teachers, which have lengths of their own, stand in each.
 *
 * @throws LabError of kind `results` when two seeds of one cell were run with different recipes.
 */
export function table3Groups(study: string, runs: readonly DetectionRun[]): Table3Group[] {
  // A run without provenance has not recorded its data yet: it is taken for one of the folder's first.
  const dataHash = runs.flatMap(({ provenance }) => provenance?.dataHash ?? [])[0] ?? null;
  const settingOf = ({ config, provenance }: DetectionRun): string =>
    JSON.stringify([
      config.iterations,
      config.batchSize,
      config.dataset,
      provenance?.dataHash ?? dataHash,
    ]);
  const settings = [...new Set(studentsOf(runs).map(settingOf))];
  if (settings.length === 0) return groupOf(study, runs);
  return settings
    .flatMap((setting) =>
      groupOf(
        study,
        runs.filter((run) => run.config.method === 'teacher' || settingOf(run) === setting),
      ),
    )
    .sort((a, b) => iterationsOf(b) - iterationsOf(a));
}

function studentsOf(runs: readonly DetectionRun[]): DetectionRun[] {
  return runs.filter(({ config }) => config.method !== 'teacher');
}

function iterationsOf({ runs }: Table3Group): number {
  return studentsOf(runs)[0]?.config.iterations ?? 0;
}

function groupOf(study: string, runs: readonly DetectionRun[]): Table3Group[] {
  const students = studentsOf(runs);
  const [first = runs[0]] = students;
  if (first === undefined) return [];
  requireSameRecipes(runs.filter(isFinishedDetection));
  const pairs = inOrder(
    students.map(({ config }) => config.pair),
    paperTable('table3').pairs.map(({ pair }) => pair),
  );
  const teacherAlone = pairs.length === 0 ? [first.config.pair] : [];
  return [
    {
      study,
      dataset: first.config.dataset,
      scale: first.config.scale,
      pairs: [...pairs, ...teacherAlone].map((pair) => pairOf(pair, runs)),
      environment: environmentOf(runs),
      dataHash: first.provenance?.dataHash ?? null,
      runs,
    },
  ];
}

/** `shapes · scale quick · 240 iterations · batch 4`. */
export function table3SettingInWords({ dataset, scale, runs }: Table3Group): string {
  const [student] = studentsOf(runs);
  const length =
    student === undefined
      ? ''
      : ` · ${count(student.config.iterations, 'iteration')} · batch ${String(student.config.batchSize)}`;
  return `${dataset} · scale ${scale}${length}`;
}

/** Whether a run is in a number. */
export function isFinishedDetection({ evaluation, provenance }: DetectionRun): boolean {
  return evaluation !== null && provenance?.ended === 'finished';
}

/** All finished runs of a pair, its teacher's first. */
export function runsOf({ rows }: Table3Pair): DetectionRun[] {
  return rows.flatMap(({ runs }) => runs.filter(isFinishedDetection));
}

function pairOf(pair: string, runs: readonly DetectionRun[]): Table3Pair {
  const [teacher = pair, student = pair] = pair.split(':');
  const own = runs.filter(({ config }) => config.pair === pair);
  const teachers = runs.filter(
    ({ config }) => config.method === 'teacher' && config.pair === teacher,
  );
  const students = own.map(({ config }) => config.method).filter((method) => method !== 'teacher');
  const rows = inOrder(students, order).map((method) => rowOf(pair, method, own));
  return {
    pair,
    teacher,
    student,
    rows: teachers.length === 0 ? rows : [rowOf(pair, 'teacher', teachers), ...rows],
  };
}

function rowOf(pair: string, method: string, runs: readonly DetectionRun[]): Table3Row {
  const of = (name: string): DetectionRun[] =>
    runs.filter((run) => run.config.method === name && isFinishedDetection(run));
  const own = of(method);
  const figure = (name: TableFigure, chosen = own): BySeed =>
    new Map(
      chosen.flatMap(({ config, evaluation }) => {
        const share = evaluation?.stats[name] ?? -1;
        return share < 0 ? [] : [[config.seed, 100 * share] as const];
      }),
    );
  const over = (others: DetectionRun[]): Summary | null =>
    pairedDifference(figure('AP'), figure('AP', others));
  const base = baseOf(method);
  const paper = findPaperNumber({ table: 'table3', pair, method, metric: 'AP' })?.value ?? null;
  const measured = Object.fromEntries(
    tableFigures.map((name) => [name, summarise(figure(name))]),
  ) as Record<TableFigure, Summary | null>;
  const reasons = [...new Set(own.flatMap(reasonsOf))];
  const alone = method === 'teacher' || method === 'student';
  return {
    method,
    label: labelOf(method),
    paper,
    measured,
    overStudent: alone ? null : over(aloneComparableTo(own, of('student'))),
    overBase: base === null ? null : over(comparableTo(own, of(base))),
    verdict: verdictOf({ measured: measured.AP, paper, reasons }),
    reasons,
    runs: runs.filter(({ config }) => config.method === method),
  };
}

/** What of a run's data, length and precision is not the paper's. */
export function otherLength({ config }: DetectionRun): string[] {
  // A teacher has a schedule of its own.
  const isTeacher = config.method === 'teacher';
  return [
    ...instead('data set', config.dataset, 'coco'),
    ...instead('scale', config.scale, 'paper'),
    ...instead('iterations', config.iterations, isTeacher ? null : 180_000),
    ...instead('batch', config.batchSize, isTeacher ? null : 8),
    ...instead('precision', config.precision, 'f32'),
  ];
}

/** Why a run is not of the paper's own setting. */
function reasonsOf(run: DetectionRun): string[] {
  const { provenance } = run;
  return [
    ...otherLength(run),
    ...(provenance?.teacherSource === trainedHere ? ['the teacher was trained here'] : []),
    ...(provenance?.firstWeights === 'random' ? ['random first weights'] : []),
  ];
}

/** Of rows that the paper's table is not known to have. */
const labels: Readonly<Record<string, string>> = {
  dkd: 'DKD',
  reviewdkd: 'ReviewDKD',
  'reviewdkd++': 'ReviewDKD++',
  'reviewkd-mask': 'ReviewKD, weight of Mask R-CNN',
  'kd+nd-x0.1': 'KD + 0.1 × ND',
  'kd+nd-x0.33': 'KD + 0.33 × ND',
  'kd+nd-objects': 'KD + ND on objects',
};

/** As the paper writes a row. */
export function labelOf(method: string): string {
  const printed = paperTable('table3').rows.find((row) => row.method === method)?.printed;
  return printed ?? labels[method] ?? method;
}

/** The student alone, then each base before its `++` row. */
const order = [
  'student',
  'kd',
  'kd+nd-x0.1',
  'kd+nd-x0.33',
  'kd++',
  'kd+nd-objects',
  'reviewkd',
  'reviewkd++',
  'reviewkd-mask',
  'dkd',
  'reviewdkd',
  'reviewdkd++',
];
