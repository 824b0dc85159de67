import { mean } from 'simple-statistics';
import { isRecord } from '../../records';
import { bestEpoch, bySeed, lastTop1, top1BySeed } from '../../runs/measures';
import { isFinished, type Run } from '../../runs/store';
import { pairedDifference, summarise } from '../../statistics/summary';
import { aloneComparableTo, comparableTo, conditionsOf, groupRuns, type RunGroup } from '../group';
import { baseOf } from '../methods';
import { environmentOf, runReference, unfinishedRun } from '../run-record';
import { claimScaleOfRuns } from '../verdict';
import type { FamilyMember, StudyGroup, StudyMethod, StudyPair, StudyRow } from './model';

/** What a study's groups are built from. */
export interface GroupOptions {
  readonly runs: readonly Run[];
  /** The rows, in the table's order. */
  readonly methods: readonly StudyMethod[];
  /** Rows without which a pair does not belong to the study; any pair does where none are named. */
  readonly ownMethods?: ReadonlySet<string>;
  /** The results directory, to which run directories are named relatively. */
  readonly root: string;
}

const alone = 'student';

/**
 * The runs of a study in groups of one setting, by pair and method.
 *
 * @throws LabError when the seeds of one cell were run with different recipes.
 */
export function buildGroups({ runs, methods, ownMethods, root }: GroupOptions): StudyGroup[] {
  const wanted = new Set([...methods.map(({ id }) => id), alone, 'teacher']);
  return groupRuns(runs.filter(({ config }) => wanted.has(config.method))).flatMap((group) => {
    const pairs = [...new Set(group.runs.map(({ config }) => config.pair))]
      .sort()
      .filter((pair) => isOwn(group, pair, ownMethods))
      .map((pair) => buildPair(group, pair, { methods, root }));
    if (pairs.length === 0) return [];
    const family = familyOfTeachers(group.teachers, root);
    return [
      { setting: group.setting, environment: environmentOf(runsOf(group, pairs)), pairs, family },
    ];
  });
}

function isOwn({ runs }: RunGroup, pair: string, own: ReadonlySet<string> | undefined): boolean {
  const methods = runs
    .filter(({ config }) => config.pair === pair)
    .map(({ config }) => config.method);
  return methods.some((method) => (own === undefined ? method !== alone : own.has(method)));
}

/** The runs behind some pairs, and their teachers'. */
function runsOf({ runs, teachers }: RunGroup, pairs: readonly StudyPair[]): Run[] {
  const taught = new Set(pairs.map(({ teacher }) => teacher));
  const shown = new Set(pairs.map(({ pair }) => pair));
  return [
    ...runs.filter(({ config }) => shown.has(config.pair)),
    ...teachers.filter(({ config }) => taught.has(config.student)),
  ];
}

function buildPair(
  group: RunGroup,
  pair: string,
  { methods, root }: Pick<GroupOptions, 'methods' | 'root'>,
): StudyPair {
  const runs = group.runs.filter(({ config }) => config.pair === pair);
  const [teacher = pair, student = pair] = pair.split(':');
  const own = group.teachers.filter(({ config }) => config.student === teacher);
  const recorded = runs.flatMap(({ provenance }) => provenance ?? []);
  return {
    pair,
    teacher,
    student,
    teacherParameters:
      own.flatMap(({ provenance }) => provenance?.parameters ?? [])[0] ??
      recorded.flatMap(({ teacherParameters }) => teacherParameters ?? [])[0] ??
      null,
    studentParameters: recorded[0]?.parameters ?? null,
    teacherTop1: recorded.flatMap(({ teacherTop1 }) => teacherTop1 ?? [])[0] ?? null,
    rows: methods.map((method) =>
      buildRow(method, {
        runs: method.id === alone ? aloneBeside(runs, group) : runs,
        group,
        root,
      }),
    ),
    claimScale: claimScaleOfRuns(group.setting, runs),
  };
}

function buildRow(
  { id, label, note }: StudyMethod,
  { runs, group, root }: { runs: readonly Run[]; group: RunGroup; root: string },
): StudyRow {
  const own = runs.filter(({ config }) => config.method === id);
  const base = studyBaseOf(id);
  const finished = own.filter(isFinished);
  const top1 = bySeed(own, lastTop1);
  const last = (
    value: (epoch: Run['metrics'][number]) => number | null | undefined,
  ): Map<number, number> =>
    bySeed(own, ({ metrics }) => {
      const epoch = metrics.at(-1);
      return epoch === undefined ? undefined : (value(epoch) ?? undefined);
    });
  const first = (values: ReadonlyMap<number, number>): number | null =>
    [...values.values()][0] ?? null;
  return {
    method: id,
    label,
    note,
    top1: summarise(top1),
    best: summarise(bySeed(own, (run) => bestEpoch(run)?.top1)),
    conditions: finished.map(conditionsOf)[0] ?? null,
    ndWeight: finished.map(ndWeightOf)[0] ?? null,
    base,
    overBase:
      base === null ? null : pairedDifference(top1, top1BySeed(comparableTo(own, runs), base)),
    overStudent:
      id === alone ? null : pairedDifference(top1, bySeed(aloneFor(own, group), lastTop1)),
    studentNorm: summarise(last(({ studentNorm }) => studentNorm)),
    teacherNorm: first(last(({ teacherNorm }) => teacherNorm)),
    cosine: summarise(last(({ cosineToClassMean }) => cosineToClassMean)),
    teacherCosine: first(last(({ teacherCosine }) => teacherCosine)),
    cosineByClass: meansByClass(finished),
    runs: finished.flatMap((run) => runReference(run, root)),
    unfinished: own.filter((run) => !isFinished(run)).map((run) => unfinishedRun(run, root)),
  };
}

/** The weight of ND in a run's recipe, 0 without ND; null for a recipe that lists no terms. */
function ndWeightOf({ config: { recipe } }: Run): number | null {
  const { training } = recipe;
  const method = isRecord(training) ? training['method'] : null;
  const terms = isRecord(method) ? method['terms'] : null;
  if (!Array.isArray(terms)) return null;
  const nd: unknown = terms.find((term) => isRecord(term) && term['loss'] === 'normDirection');
  if (nd === undefined) return 0;
  const weight = isRecord(nd) ? nd['weight'] : null;
  return typeof weight === 'number' ? weight : null;
}

/** What a method's gain is counted over: its base in table 1, or KD for the studies' own. */
function studyBaseOf(method: string): string | null {
  return baseOf(method) ?? (method.startsWith('kd+') ? 'kd' : null);
}

/**
 * The runs of the student alone that belong beside some runs: the same student, and the same recipe but
 * for the losses. A student alone has no teacher, so that its run beside another one serves as well; of
 * two with the same seed that of the own pair does.
 */
function aloneFor(own: readonly Run[], { runs }: RunGroup): Run[] {
  const [sample] = own;
  if (sample === undefined) return [];
  const found = new Map<number, Run>();
  const fitting = runs.filter(
    ({ config }) => config.method === alone && config.student === sample.config.student,
  );
  for (const run of aloneComparableTo([sample], fitting)) {
    const { seed, pair } = run.config;
    if (!found.has(seed) || pair === sample.config.pair) found.set(seed, run);
  }
  return [...found.values()];
}

/** The student alone of a pair's own runs, or else of another pair whose recipe one of its methods has. */
function aloneBeside(runs: readonly Run[], group: RunGroup): Run[] {
  const own = runs.filter(({ config }) => config.method === alone);
  const samples = own.length > 0 ? own : runs;
  return samples.map((run) => aloneFor([run], group)).find(({ length }) => length > 0) ?? [];
}

/** Means over the seeds after the last epoch; empty where nothing was measured by class. */
function meansByClass(runs: readonly Run[]): number[] {
  const seeds = runs.flatMap(({ metrics }) => {
    const values = metrics.at(-1)?.cosineByClass;
    return values === undefined ? [] : [values];
  });
  return (seeds[0] ?? []).flatMap((_, label) => {
    const values = seeds.flatMap((seed) => seed[label] ?? []);
    return values.length === 0 ? [] : [mean(values)];
  });
}

function familyOfTeachers(teachers: readonly Run[], root: string): FamilyMember[] {
  return teachers
    .filter(isFinished)
    .flatMap((run) => {
      const model = run.config.student;
      const parameters = run.provenance?.parameters;
      const norm = run.metrics.at(-1)?.studentNorm;
      const [reference] = runReference(run, root);
      return parameters === undefined || norm === undefined || reference === undefined
        ? []
        : [{ model, parameters, top1: reference.last, norm, run: reference }];
    })
    .sort((a, b) => a.parameters - b.parameters);
}
