import { bySeedOf } from '../../statistics/summary';
import { steeper, type Trend, trendOf } from '../../statistics/trend';
import { summaryCell, withBelow } from '../cells';
import type { Block, PlotsBlock, TableBlock } from '../document';
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
import { rowOf, type StudyPair } from './model';

/** Each method and its `++`, drawn in one plot. */
type Couple = readonly [string, string];
const couples: readonly Couple[] = [
  ['kd', 'kd++'],
  ['dkd', 'dkd++'],
  ['reviewkd', 'reviewkd++'],
];

/** The parameters of a pair's teacher or student; null where no run tells. */
type SizeOf = (pair: StudyPair) => number | null;

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
  const [first] = pairs;
  if (first === undefined || pairs.length < 2) return [];
  const methods = methodsOf(pairs);
  const alone = rowOf(first, 'student')?.top1;
  return [
    { kind: 'heading', text: `${student} under teachers of growing size` },
    sizesTable(student, pairs, methods),
    ...pairs
      .map(methodNotes)
      .filter((block) => block.items.length > 0)
      .slice(0, 1),
    trendTable(student, pairs, methods),
    sizePlots(
      pairs,
      couples.filter((couple) => couple.some((method) => methods.includes(method))),
      {
        title: `${student}: accuracy against the teacher’s size`,
        whose: student,
        axis: 'the teacher’s parameters',
        size: teacherSize,
        level: alone?.mean,
      },
    ),
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

/** Accuracy of each student under one teacher over its size, alone, without and with ND; one plot a base. */
export function growingStudentsPlots(teacher: string, pairs: readonly StudyPair[]): PlotsBlock {
  const drawn = couples.filter((couple) =>
    couple.some(
      (method) => pairs.filter((pair) => (rowOf(pair, method)?.top1 ?? null) !== null).length > 1,
    ),
  );
  return sizePlots(pairs, drawn, {
    title: `Under ${teacher}: accuracy against the student’s size`,
    whose: `students under ${teacher}`,
    axis: 'the student’s parameters',
    size: studentSize,
  });
}

/** The student alone is a level where it is always the same one, else a line. */
function sizePlots(
  pairs: readonly StudyPair[],
  drawn: readonly Couple[],
  look: { title: string; whose: string; axis: string; size: SizeOf; level?: number | undefined },
): PlotsBlock {
  const { title, whose, axis, size, level } = look;
  const lineOf = (method: string, line: NamedLine): RelationSeries => ({
    ...line,
    points: pairs.flatMap((pair) => {
      const [x, y] = [size(pair), rowOf(pair, method)?.top1 ?? null];
      return x === null || y === null ? [] : [{ x, y }];
    }),
  });
  return {
    kind: 'plots',
    title,
    legend: linesLegend([withoutNd, withNd, studentAlone]),
    plots: drawn.map(([base, plus]) => {
      const series = [
        ...[lineOf(base, withoutNd), lineOf(plus, withNd)],
        ...(size === studentSize ? [lineOf('student', studentAlone)] : []),
      ];
      return {
        title: `${labelIn(pairs, base)} and ${labelIn(pairs, plus)}`,
        says: `${whose}: ${series.map(inWords).join('; ')}`,
        spec: relationSpec({
          x: { title: axis, scale: 'log' },
          y: 'top-1 (%)',
          series,
          levels: level === undefined ? [] : [{ ...studentAlone, value: level }],
        }),
      };
    }),
  };
}

function inWords({ label, points }: RelationSeries): string {
  return `${label} ${points.map(({ y }) => toFixed2(y.mean)).join(', ')}`;
}

function methodsOf(pairs: readonly StudyPair[]): string[] {
  const [first] = pairs;
  return (first?.rows ?? [])
    .map(({ method }) => method)
    .filter((method) => pairs.some((pair) => (rowOf(pair, method)?.top1 ?? null) !== null));
}

function labelIn(pairs: readonly StudyPair[], method: string): string {
  const [first] = pairs;
  return (first === undefined ? undefined : rowOf(first, method))?.label ?? method;
}

/** In the order of a size; those of unknown size first. */
export function bySize(pairs: readonly StudyPair[], size: SizeOf): StudyPair[] {
  return [...pairs].sort((a, b) => (size(a) ?? 0) - (size(b) ?? 0));
}

const teacherSize: SizeOf = ({ teacherParameters }) => teacherParameters;
export const studentSize: SizeOf = ({ studentParameters }) => studentParameters;

/** `0.28 M`. */
export function millions(parameters: number | null): string {
  return parameters === null ? 'size not known' : `${(parameters / 1e6).toFixed(2)} M`;
}
