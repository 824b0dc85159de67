import { palette, type LayerPanel, type Margins } from './plot-style';
import type { Interval, Summary } from '../statistics/summary';

/** One line of a panel: what was measured, and what the paper has beside it. */
export interface IntervalRow {
  readonly label: string;
  readonly measured: Summary;
  /** Null where the paper has no number that stands beside. */
  readonly paper: number | null;
  /** The paper's numbers on its own pairs, where it has not this one. */
  readonly paperRange?: Interval | null;
}

/** The kinds of marks, in the legend's order. */
const kinds = ['mean', 'seed', 'paper', 'range'] as const;
export type MarkKind = (typeof kinds)[number];

/** Points above the bars and intervals; a mean covers its seeds, the paper's bar sticks out of both. */
const drawnLast = ['paper', 'seed', 'mean'] as const;
const uprightBar = 'M-0.17,-1H0.17V1H-0.17Z';

/** How each kind of mark looks. */
export const markLooks: Record<
  MarkKind,
  { label: string; color: string; shape: string; size: number }
> = {
  mean: { label: 'measured, mean', color: palette.blue, shape: 'circle', size: 110 },
  seed: { label: 'measured, one seed', color: palette.sky, shape: 'circle', size: 36 },
  paper: { label: 'the paper', color: palette.vermilion, shape: uprightBar, size: 320 },
  range: {
    label: 'the paper, on its own pairs',
    color: palette.orange,
    shape: 'square',
    size: 130,
  },
};

const fewRows = 5;

/** Room for the methods' names and the axis around a panel that stands alone. */
export const intervalMargins: Margins = { left: 136, right: 14, top: 4, bottom: 42 };

/** The same with room for the studies' longer labels. */
export const wideLabelMargins: Margins = { ...intervalMargins, left: 168 };

/** Rows that add a loss to KD say `+ ND` for `KD + ND`: the base stands above them. */
export const shortLabel = "replace(datum.label, 'KD + ', '+ ')";

/** What panels that stand together share. */
export const eachItsOwn = { scale: { color: 'independent', shape: 'independent' } } as const;

/** How a panel is drawn. */
export interface PanelLook {
  /** None by default. */
  readonly title?: readonly string[];
  readonly subtitle?: readonly string[];
  /** Of the plotting area, in pixels. */
  readonly width: number;
  readonly axis: string;
  /** Whether 0 is in the scale and has a line. */
  readonly zero: boolean;
  /** The scale's ends; from the rows where nothing is said. */
  readonly domain?: readonly [number, number];
  /** The kinds of marks in the legend; no legend where nothing is said. */
  readonly legend?: ReadonlySet<MarkKind>;
}

/** A row for each method: the paper's range and number, the interval, the seeds and their mean. */
export function intervalPanel(rows: readonly IntervalRow[], look: PanelLook): LayerPanel {
  const { title = [], subtitle = [], width, axis, zero, domain, legend } = look;
  const y = {
    field: 'label',
    type: 'nominal',
    sort: rows.map(({ label }) => label),
    axis: {
      title: null,
      grid: true,
      domain: false,
      ticks: false,
      labelPadding: 8,
      minExtent: 124,
      labelExpr: shortLabel,
    },
  } as const;
  const x = {
    type: 'quantitative',
    scale: { zero, nice: true, ...(domain && { domain: [...domain] }) },
    axis: { title: axis, tickCount: 6 },
  } as const;
  const marks = kinds
    .filter((kind) => (legend ?? marksOf(rows)).has(kind))
    .map((k) => markLooks[k]);
  const names = marks.map(({ label }) => label);
  const shared = {
    field: 'kind',
    type: 'nominal',
    legend: legend === undefined ? null : { columns: 3 },
  } as const;
  const color = { ...shared, scale: { domain: names, range: marks.map((mark) => mark.color) } };
  const shape = { ...shared, scale: { domain: names, range: marks.map((mark) => mark.shape) } };
  return {
    ...(title.length > 0 && {
      title: { text: [...title], ...(subtitle.length > 0 && { subtitle: [...subtitle] }) },
    }),
    width,
    height: (rows.length > fewRows ? 23 : 30) * rows.length,
    layer: [
      ...(zero
        ? [
            {
              data: { values: [{ zero: 0 }] },
              mark: { type: 'rule' as const, color: palette.grey },
              encoding: { x: { field: 'zero', ...x } },
            },
          ]
        : []),
      {
        data: { values: rangesOf(rows) },
        mark: { type: 'bar', height: 12, opacity: 0.45 },
        encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y, color },
      },
      {
        data: { values: intervalsOf(rows) },
        mark: { type: 'rule', strokeWidth: 2, color: palette.blue },
        encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y },
      },
      ...drawnLast.map((kind) => ({
        data: { values: pointsOf(rows, kind) },
        mark: { type: 'point' as const, filled: true, opacity: 1, size: markLooks[kind].size },
        encoding: { x: { field: 'value', ...x }, y, color, shape },
      })),
    ],
  };
}

/** The kinds of marks that some rows have. */
export function marksOf(rows: readonly IntervalRow[]): Set<MarkKind> {
  return new Set<MarkKind>([
    'mean',
    ...(rows.some(({ measured }) => measured.n > 1) ? (['seed'] as const) : []),
    ...(rows.some(({ paper }) => paper !== null) ? (['paper'] as const) : []),
    ...(rows.some(({ paperRange = null }) => paperRange !== null) ? (['range'] as const) : []),
  ]);
}

/** The ends of everything that some rows draw. */
export function extentOf(rows: readonly IntervalRow[]): [number, number] {
  const drawn = rows.flatMap(({ measured: { values, interval }, paper, paperRange = null }) => [
    ...values,
    ...(interval === null ? [] : [interval.low, interval.high]),
    ...(paper === null ? [] : [paper]),
    ...(paperRange === null ? [] : [paperRange.low, paperRange.high]),
  ]);
  return [Math.min(...drawn), Math.max(...drawn)];
}

interface Point {
  readonly label: string;
  readonly kind: string;
  readonly value: number;
}

function pointsOf(rows: readonly IntervalRow[], kind: (typeof drawnLast)[number]): Point[] {
  return rows.flatMap(({ label, measured, paper }) => {
    const values = {
      paper: paper === null ? [] : [paper],
      // One seed is its own mean.
      seed: measured.n > 1 ? measured.values : [],
      mean: [measured.mean],
    }[kind];
    return values.map((value) => ({ label, kind: markLooks[kind].label, value }));
  });
}

interface Bar extends Interval {
  readonly label: string;
}

function intervalsOf(rows: readonly IntervalRow[]): Bar[] {
  return rows.flatMap(({ label, measured: { interval } }) =>
    interval === null ? [] : [{ label, ...interval }],
  );
}

function rangesOf(rows: readonly IntervalRow[]): (Bar & { kind: string })[] {
  return rows.flatMap(({ label, paperRange: range = null }) =>
    range === null
      ? []
      : [{ label, kind: markLooks.range.label, low: range.low, high: range.high }],
  );
}
