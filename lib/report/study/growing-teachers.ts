import { bySeedOf } from '../../statistics/summary';
import { steeper, type Trend, trendOf } from '../../statistics/trend';
import { summaryCell, withBelow } from '../cells';
import type { Block, Drawing, PlotsBlock, TableBlock } from '../document';
import { baseOf } from '../methods';
import { type RelationSeries, relationSpec } from '../plots/relation';
import { weakestScale } from '../verdict';
import {
  formatInterval,
  formatP,
  formatPercent,
  formatSummary,
  none,
  toFixed2,
  toSigned2,
} from '../numbers';
import { type NamedLine, aloneStyle, kdStyle, linesLegend, styleAt } from '../plots/style';
import { adjustedNote, judgeTogether, pHead, verdictCell } from './claims';
import { methodNotes } from './method-table';
import { rowOf, type StudyPair, type StudyRow } from './model';

/** Each method and its `++`, drawn in one plot. */
const couples: readonly (readonly [string, string])[] = [
  ['kd', 'kd++'],
  ['dkd', 'dkd++'],
  ['reviewkd', 'reviewkd++'],
];

const withoutNd: NamedLine = { label: 'without ND', style: kdStyle };
const withNd: NamedLine = { label: 'with ND (++)', style: styleAt(0) };
const studentAlone: NamedLine = { label: 'the student alone', style: aloneStyle };

/** Each student that was trained under several teachers, and the trend over their sizes. */
export function growingTeachers(pairs: readonly StudyPair[]): Block[] {
  const students = new Set(pairs.map(({ student }) => student));
  return [...students].flatMap((student) =>
    studentBlocks(
      student,
      bySize(
        pairs.filter((pair) => pair.student === student),
        teacherSize,
      ),
    ),
  );
}

function studentBlocks(student: string, pairs: readonly StudyPair[]): Block[] {
  if (pairs.length < 2) return [];
  const methods = methodsOf(pairs);
  return [
    { kind: 'heading', text: `${student} under teachers of growing size` },
    sizesTable(student, pairs, methods),
    ...pairs
      .map(methodNotes)
      .filter((block) => block.items.length > 0)
      .slice(0, 1),
    trendTable(student, pairs, methods),
    {
      kind: 'plots',
      title: `${student}: accuracy against the teacher’s size`,
      legend: linesLegend([withoutNd, withNd, studentAlone]),
      plots: couples
        .filter((couple) => couple.some((method) => methods.includes(method)))
        .map((couple) => coupleDrawing(student, pairs, couple)),
    },
  ];
}

function sizesTable(
  student: string,
  pairs: readonly StudyPair[],
  methods: readonly string[],
): TableBlock {
  return {
    kind: 'table',
    caption: `Top-1 of ${student} by its teacher`,
    head: [
      'method',
      ...pairs.map((pair) => `${pair.teacher} (${millions(pair.teacherParameters)})`),
    ],
    rows: [
      {
        cells: [
          'Teacher itself',
          ...pairs.map(({ teacherTop1 }) => (teacherTop1 === null ? none : toFixed2(teacherTop1))),
        ],
        idle: true,
      },
      ...methods.map((method) => ({
        cells: [
          labelIn(pairs, method),
          ...pairs.map((pair) => {
            const row = rowOf(pair, method);
            const gain = row?.overBase ?? null;
            return withBelow(
              summaryCell(row?.top1 ?? null),
              ...(gain === null ? [] : [`${formatSummary(gain, toSigned2)} over its base`]),
            );
          }),
        ],
        strong: method.endsWith('++'),
      })),
    ],
  };
}

function trendTable(
  student: string,
  pairs: readonly StudyPair[],
  methods: readonly string[],
): TableBlock {
  const trends = new Map(
    methods
      .filter((method) => method !== 'student')
      .map((method) => [method, trendOfMethod(pairs, method)] as const),
  );
  const rises = [...trends].map(([method, trend]) => ({
    statement: `${labelIn(pairs, method)}: rises with the teacher’s size`,
    difference: trend?.slope ?? null,
    trend,
    enough: trend !== null,
  }));
  const against = [...trends].flatMap(([method, trend]) => {
    const base = baseOf(method);
    const other = base === null ? undefined : trends.get(base);
    if (base === null || other === undefined) return [];
    return {
      statement: `${labelIn(pairs, method)} rises more than ${labelIn(pairs, base)}`,
      difference: steeper(trend, other),
      trend: null,
      enough: trend !== null && other !== null,
    };
  });
  const asked = [...rises, ...against];
  const judged = judgeTogether(asked);
  const scale = weakestScale(pairs.map(({ claimScale }) => claimScale));
  return {
    kind: 'table',
    caption: `Does ${student} learn more from larger teachers?${adjustedNote(judged.filter(({ p }) => p !== null).length)}`,
    head: [
      'claim',
      'slope, points for ten times the size',
      '95 %',
      pHead,
      'rank correlation',
      'orders as steep',
      'measured here',
    ],
    rows: judged.map(({ statement, difference, p, outcome, why }, index) => {
      const { trend = null, enough = false } = asked[index] ?? {};
      return {
        cells: [
          statement,
          difference === null ? none : formatSummary(difference, toSigned2),
          formatInterval(difference?.interval ?? null, toSigned2),
          formatP(p),
          trend === null ? '' : toSigned2(trend.rank),
          trend === null ? '' : formatPercent(trend.permutation),
          verdictCell(outcome, scale, enough ? why : 'needs three sizes'),
        ],
        idle: outcome === 'not run',
      };
    }),
  };
}

function trendOfMethod(pairs: readonly StudyPair[], method: string): Trend | null {
  return trendOf(
    pairs.flatMap((pair) => {
      const summary = rowOf(pair, method)?.top1 ?? null;
      return summary === null || pair.teacherParameters === null
        ? []
        : [{ parameters: pair.teacherParameters, values: bySeedOf(summary) }];
    }),
  );
}

function coupleDrawing(
  student: string,
  pairs: readonly StudyPair[],
  couple: readonly [string, string],
): Drawing {
  const [first] = pairs;
  const alone = first === undefined ? null : (rowOf(first, 'student')?.top1 ?? null);
  const series = coupleSeries(pairs, couple, teacherSize);
  return {
    title: titleOf(pairs, couple),
    says: seriesInWords(student, series),
    spec: relationSpec({
      x: { title: 'the teacher’s parameters', scale: 'log' },
      y: 'top-1 (%)',
      series,
      levels: alone === null ? [] : [{ ...studentAlone, value: alone.mean }],
    }),
  };
}

/** Accuracy of each student under one teacher over its size, alone, without and with ND; one plot a base. */
export function growingStudentsPlots(teacher: string, pairs: readonly StudyPair[]): PlotsBlock {
  const drawn = couples.filter((couple) =>
    couple.some(
      (method) => pairs.filter((pair) => (rowOf(pair, method)?.top1 ?? null) !== null).length > 1,
    ),
  );
  const alone = seriesOf(pairs, 'student', studentSize, studentAlone);
  return {
    kind: 'plots',
    title: `Under ${teacher}: accuracy against the student’s size`,
    legend: linesLegend([withoutNd, withNd, studentAlone]),
    plots: drawn.map((couple) => {
      const series = [...coupleSeries(pairs, couple, studentSize), alone];
      return {
        title: titleOf(pairs, couple),
        says: seriesInWords(`students under ${teacher}`, series),
        spec: relationSpec({
          x: { title: 'the student’s parameters', scale: 'log' },
          y: 'top-1 (%)',
          series,
        }),
      };
    }),
  };
}

function coupleSeries(
  pairs: readonly StudyPair[],
  [base, plus]: readonly [string, string],
  size: (pair: StudyPair) => number | null,
): RelationSeries[] {
  return [seriesOf(pairs, base, size, withoutNd), seriesOf(pairs, plus, size, withNd)];
}

function seriesOf(
  pairs: readonly StudyPair[],
  method: string,
  size: (pair: StudyPair) => number | null,
  look: NamedLine,
): RelationSeries {
  const points = pairs.flatMap((pair) => {
    const [x, y] = [size(pair), rowOf(pair, method)?.top1 ?? null];
    return x === null || y === null ? [] : [{ x, y }];
  });
  return { ...look, points };
}

function seriesInWords(whose: string, series: readonly RelationSeries[]): string {
  const inWords = series.map(
    ({ label, points }) => `${label} ${points.map(({ y }) => toFixed2(y.mean)).join(', ')}`,
  );
  return `${whose}: ${inWords.join('; ')}`;
}

function titleOf(pairs: readonly StudyPair[], couple: readonly [string, string]): string {
  return couple.map((method) => labelIn(pairs, method)).join(' and ');
}

function methodsOf(pairs: readonly StudyPair[]): string[] {
  const [first] = pairs;
  return (first?.rows ?? [])
    .map(({ method }) => method)
    .filter((method) => pairs.some((pair) => (rowOf(pair, method)?.top1 ?? null) !== null));
}

function labelIn(pairs: readonly StudyPair[], method: string): string {
  return pairs.map((pair): StudyRow | undefined => rowOf(pair, method))[0]?.label ?? method;
}

/** In the order of a size; those of unknown size first. */
export function bySize(
  pairs: readonly StudyPair[],
  size: (pair: StudyPair) => number | null,
): StudyPair[] {
  return [...pairs].sort((a, b) => (size(a) ?? 0) - (size(b) ?? 0));
}

function teacherSize({ teacherParameters }: StudyPair): number | null {
  return teacherParameters;
}

export function studentSize({ studentParameters }: StudyPair): number | null {
  return studentParameters;
}

/** `0.28 M`. */
export function millions(parameters: number | null): string {
  return parameters === null ? 'size not known' : `${(parameters / 1e6).toFixed(2)} M`;
}
