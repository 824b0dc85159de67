import { paperTable } from '../../paper';
import { isFinished, type Run } from '../../runs/store';
import { holm } from '../../statistics/summary';
import { curvesOf } from '../curves';
import { conditionsOf, groupRuns, noGainInWords, type RunGroup } from '../group';
import { baseOf, inOrder, inRowOrder, labelOf, rowOrder } from '../methods';
import { compareOverPairs } from './over-pairs';
import { environmentOf } from '../run-record';
import { claimScaleOfRuns } from '../verdict';
import {
  buildRow,
  type RowOptions,
  type Table1,
  type Table1Group,
  type Table1Pair,
  type Table1Row,
} from './model';

/** What a table is built from. */
export interface Table1Input extends RowOptions {
  readonly study: string;
  readonly runs: readonly Run[];
  /** Methods that get a row even when no run has them; all of the paper's for the paper's pairs. */
  readonly methods?: readonly string[];
}

/**
 * Builds table 1 from run files alone: the same runs give the same table.
 *
 * @throws LabError when the seeds of one cell were run with different recipes.
 */
export function buildTable1({ study, runs, methods = [], ...options }: Table1Input): Table1 {
  const { title, paper, source, notes, confirmed, setting } = paperTable('table1');
  return {
    study,
    paper: { title, paper, source, notes, confirmed, setting },
    groups: groupRuns(runs).map((group) => buildGroup(group, methods, options)),
  };
}

function buildGroup(group: RunGroup, methods: readonly string[], options: RowOptions): Table1Group {
  const paper = paperTable('table1');
  const printed = paper.pairs.map(({ pair }) => pair);
  const own = group.runs.length > 0 ? group.runs : group.teachers;
  const found = inOrder(
    own.map(({ config }) => config.pair),
    printed,
  );
  const pairs = found.map((pair) => buildPair(group, pair, methods, options));
  const reasons = pairs.flatMap(({ rows }) => {
    // A teacher has a schedule of its own, which says nothing of its students'.
    const students = rows.filter(({ method }) => method !== 'teacher');
    const told = students.some(({ measured }) => measured !== null) ? students : rows;
    return told.flatMap((row) => row.reasons);
  });
  return {
    setting: group.setting,
    pairs,
    pairsNotRun: found.some((pair) => printed.includes(pair))
      ? printed.filter((pair) => !found.includes(pair))
      : [],
    reasons: [...new Set(reasons)],
    overPairs: compareOverPairs(group.runs),
    environment: environmentOf([...group.runs, ...group.teachers]),
  };
}

function buildPair(
  group: RunGroup,
  pair: string,
  wanted: readonly string[],
  options: RowOptions,
): Table1Pair {
  const paper = paperTable('table1');
  const runs = group.runs.filter(({ config }) => config.pair === pair);
  const teacher = runs.map(({ config }) => config.teacher).find((name) => name !== null) ?? null;
  const student = runs[0]?.config.student ?? pair;
  const teachers = group.teachers.filter(({ config }) => config.student === (teacher ?? student));
  const printed = paper.pairs.find((known) => known.pair === pair)?.printed ?? null;
  const methods = inRowOrder([
    'teacher',
    ...(printed === null ? [] : rowOrder()),
    ...(runs.length === 0 ? [] : wanted),
    ...runs.map(({ config }) => config.method),
  ]);
  const rows = withAdjustedPs(
    methods.map((method) => {
      const own = method === 'teacher' ? teachers : runs;
      return buildRow({ pair, method, runs: own, students: runs, ...options });
    }),
  );
  return {
    pair,
    teacher,
    student,
    printed,
    rows,
    remarks: [...batchRemarks(rows, group.setting.batchSize), ...remarksOn(runs)],
    curves: curvesOf(runs.filter(isFinished)),
    underWay: curvesOf(runs.filter((run) => !isFinished(run))),
    claimScale: claimScaleOfRuns(group.setting, runs),
  };
}

/** Each column of gains asks one question of several rows: its p values are adjusted for all of them. */
function withAdjustedPs(rows: readonly Table1Row[]): readonly Table1Row[] {
  const columns = ['overStudent', 'overBase', 'overPublished'] as const;
  return columns.reduce((adjusted, column) => {
    const ps = holm(rows.map((row) => row[column]?.p ?? null));
    return adjusted.map((row, index) => {
      const gain = row[column];
      return { ...row, [column]: gain && { ...gain, p: ps[index] ?? null } };
    });
  }, rows);
}

/** A published recipe's batch stands nowhere else in a table of one setting. */
function batchRemarks(rows: readonly Table1Row[], batchSize: number): string[] {
  const labels = new Map<number, string[]>();
  for (const { method, label, runs } of rows) {
    const batch = runs[0]?.batchSize;
    if (method === 'teacher' || batch === undefined || batch === batchSize) continue;
    labels.set(batch, [...(labels.get(batch) ?? []), label]);
  }
  return [...labels].map(
    ([batch, names]) => `In batches of ${String(batch)}, as published: ${names.join(', ')}.`,
  );
}

function remarksOn(runs: readonly Run[]): string[] {
  const finished = runs.filter(isFinished);
  const teachers = new Set(finished.flatMap(({ provenance }) => provenance?.teacherHash ?? []));
  const conditions = new Map(finished.map((run) => [run.config.method, conditionsOf(run)]));
  const apart = [...conditions].flatMap(([method, own]) => {
    const base = baseOf(method);
    const other = base === null ? undefined : conditions.get(base);
    return base === null || other === undefined || other === own ? [] : [{ method, base }];
  });
  return [
    ...(teachers.size > 1
      ? [`These runs learnt from ${String(teachers.size)} different teachers' weights.`]
      : []),
    ...apart.map(({ method, base }) => noGainInWords(labelOf(method), labelOf(base))),
    ...runs.flatMap(({ config, problems }) =>
      problems.map((problem) => `${config.method}, seed ${String(config.seed)}: ${problem}`),
    ),
  ];
}
