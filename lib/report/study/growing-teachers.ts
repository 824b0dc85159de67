import { bySeedOf, type Summary } from '../../statistics/summary';
import { steeper, type Trend, trendOf } from '../../statistics/trend';
import { differenceCells, intervalHead, pHead, summaryCell, withBelow } from '../cells';
import type { Block, TableBlock } from '../document';
import { baseOf } from '../methods';
import { weakestScale } from '../verdict';
import { formatPercent, formatSummary, none, toFixed2, toSigned2 } from '../numbers';
import { adjustedNote, type JudgedClaim, judgeTogether, verdictCell } from './claims';
import { methodNotes } from './method-table';
import { rowOf, type StudyPair, top1In } from './model';

/** Which of the two networks of a pair grows while the other stays. */
type Growing = 'teacher' | 'student';

/**
 * Pairs in which one network stays, two or more of each by its name, in the order of the growing one's
 * size; those of unknown size first.
 */
export function bySize(pairs: readonly StudyPair[], growing: Growing): [string, StudyPair[]][] {
  const constant = growing === 'teacher' ? 'student' : 'teacher';
  const size = (pair: StudyPair): number => pair[`${growing}Parameters`] ?? 0;
  return [...new Set(pairs.map((pair) => pair[constant]))]
    .map((name): [string, StudyPair[]] => [
      name,
      pairs.filter((pair) => pair[constant] === name).sort((a, b) => size(a) - size(b)),
    ])
    .filter(([, own]) => own.length > 1);
}

/** Each student that was trained under several teachers, and the trend over their sizes. */
export function growingTeachers(all: readonly StudyPair[]): Block[] {
  return bySize(all, 'teacher').flatMap(([student, pairs]): Block[] => {
    const methods = methodsOf(pairs);
    return [
      { kind: 'heading', text: `${student} under teachers of growing size` },
      sizesTable(student, pairs, methods),
      ...[methodNotes(pairs)].filter(({ items }) => items.length > 0),
      trendTable(student, pairs, methods),
    ];
  });
}

/** The methods that were run under one of some teachers. */
export function methodsOf(pairs: readonly StudyPair[]): string[] {
  return (pairs[0]?.rows ?? [])
    .map(({ method }) => method)
    .filter((method) => pairs.some((pair) => top1In(pair, method) !== null));
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
            const { top1 = null, overBase: gain = null } = rowOf(pair, method) ?? {};
            const below = gain && `${formatSummary(gain, toSigned2)} over its base`;
            return withBelow(summaryCell(top1), below);
          }),
        ],
        strong: method.endsWith('++'),
      })),
    ],
  };
}

/** A claim about a trend over the sizes of the teachers. */
interface JudgedTrend extends JudgedClaim {
  /** Of a method; null where two of them are compared. */
  readonly trend: Trend | null;
  /** Whether there are sizes enough, with a seed in common. */
  readonly enough: boolean;
}

/** Which methods rise with the teacher's size, and which `++` rises more than its base, judged together. */
export function judgedTrends(
  pairs: readonly StudyPair[],
  methods: readonly string[],
): JudgedTrend[] {
  const trends = new Map(
    methods
      .filter((method) => method !== 'student')
      .map((method) => {
        const points = pointsOf(pairs, method, 'teacher');
        return [
          method,
          trendOf(points.map(({ x, y }) => ({ parameters: x, values: bySeedOf(y) }))),
        ] as const;
      }),
  );
  return judgeTogether([
    ...[...trends].map(([method, trend]) => ({
      statement: `${labelIn(pairs, method)}: rises with the teacher’s size`,
      better: method,
      difference: trend?.slope ?? null,
      trend,
      enough: trend !== null,
    })),
    ...[...trends].flatMap(([method, trend]) => {
      const base = baseOf(method);
      const other = base === null ? undefined : trends.get(base);
      if (base === null || other === undefined) return [];
      return {
        statement: `${labelIn(pairs, method)} rises more than ${labelIn(pairs, base)}`,
        better: method,
        worse: base,
        difference: steeper(trend, other),
        trend: null,
        enough: trend !== null && other !== null,
      };
    }),
  ]);
}

function trendTable(
  student: string,
  pairs: readonly StudyPair[],
  methods: readonly string[],
): TableBlock {
  const judged = judgedTrends(pairs, methods);
  const scale = weakestScale(pairs.map(({ claimScale }) => claimScale));
  return {
    kind: 'table',
    caption: `Does ${student} learn more from larger teachers?${adjustedNote(judged)}`,
    head: [
      ...['claim', 'slope, points for ten times the size', intervalHead, pHead],
      ...['rank correlation', 'orders as steep', 'measured here'],
    ],
    rows: judged.map(({ statement, difference, p, outcome, why, trend, enough }) => ({
      cells: [
        statement,
        ...differenceCells(difference, p),
        trend === null ? '' : toSigned2(trend.rank),
        trend === null ? '' : formatPercent(trend.permutation),
        verdictCell(outcome, scale, enough ? why : 'needs three sizes that share a seed'),
      ],
      idle: outcome === 'not run',
    })),
  };
}

/** A method's top-1 against the growing network's number of parameters, where both are known. */
function pointsOf(
  pairs: readonly StudyPair[],
  method: string,
  growing: Growing,
): { x: number; y: Summary }[] {
  return pairs.flatMap((pair) => {
    const [x, y] = [pair[`${growing}Parameters`], top1In(pair, method)];
    return x === null || y === null ? [] : [{ x, y }];
  });
}

function labelIn([first]: readonly StudyPair[], method: string): string {
  return (first && rowOf(first, method)?.label) ?? method;
}

/** `0.28 M`. */
export function millions(parameters: number | null): string {
  return parameters === null ? 'size not known' : `${(parameters / 1e6).toFixed(2)} M`;
}
