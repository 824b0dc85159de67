import type { Interval, Summary } from '../../statistics/summary';
import type { PlotsBlock } from '../document';
import { formatInterval, toFixed2, toSigned2 } from '../numbers';
import { alone, type Encoding, palette, type LayerPanel, type Margins } from './style';

/** One line of a panel: what was measured, and what the paper has beside it. */
export interface IntervalRow {
  readonly label: string;
  readonly measured: Summary;
  /** Null where the paper has no number that stands beside. */
  readonly paper: number | null;
  /** The paper's numbers on its own pairs, where it has not this one. */
  readonly paperRange?: Interval | null;
}

interface MaybeMeasured extends Pick<IntervalRow, 'label' | 'paperRange'> {
  readonly measured: Summary | null;
  readonly paper?: number | null;
}

/** The rows that were measured. */
export function measuredRows(rows: readonly MaybeMeasured[]): IntervalRow[] {
  return rows.flatMap(({ measured, paper = null, ...row }) =>
    measured === null ? [] : [{ ...row, measured, paper }],
  );
}

/** The same quantity of several methods, drawn in one panel. */
export interface Comparison {
  readonly title: string;
  readonly axis: string;
  readonly rows: readonly IntervalRow[];
  /** Whether it is a difference: signed, and 0 is in the scale and has a line. */
  readonly difference?: boolean;
  /** The scale's ends; from the rows where nothing is said. */
  readonly domain?: readonly [number, number];
}

/** The kinds of marks, in the legend's order. */
const kinds = ['mean', 'seed', 'paper', 'range'] as const;
type MarkKind = (typeof kinds)[number];

/** Points above the bars and intervals; a mean covers its seeds, the paper's bar sticks out of both. */
const drawnLast = ['paper', 'seed', 'mean'] as const;
const uprightBar = 'M-0.17,-1H0.17V1H-0.17Z';

/** How each kind of mark looks, and its sample in a legend. */
const looks: Record<
  MarkKind,
  { label: string; color: string; shape: string; size: number; sample: string }
> = {
  mean: {
    label: 'measured: mean and 95 % interval',
    color: palette.blue,
    shape: 'circle',
    size: 110,
    sample: `<path d="M2 7H32" stroke="${palette.blue}" stroke-width="2"/><circle cx="17" cy="7" r="5" fill="${palette.blue}"/>`,
  },
  seed: {
    label: 'measured, one seed',
    color: palette.sky,
    shape: 'circle',
    size: 36,
    sample: `<circle cx="17" cy="7" r="3.5" fill="${palette.sky}"/>`,
  },
  paper: {
    label: 'the paper',
    color: palette.vermilion,
    shape: uprightBar,
    size: 320,
    sample: `<path d="M17 0V14" stroke="${palette.vermilion}" stroke-width="3.5"/>`,
  },
  range: {
    label: 'the paper, on its own pairs',
    color: palette.orange,
    shape: 'square',
    size: 130,
    sample: `<path d="M3 7H31" stroke="${palette.orange}" stroke-width="11" opacity="0.45"/>`,
  },
};

const fewRows = 5;

/** Room for the methods' names and the axis around a panel. */
const margins: Margins = { left: 136, right: 14, top: 4, bottom: 42 };
const width = 214;

/** The same with room for the studies' longer labels. */
export const wideLabelMargins: Margins = { ...margins, left: 168 };
const wideLabelWidth = 182;

const labels = {
  title: null,
  grid: true,
  domain: false,
  ticks: false,
  labelPadding: 8,
  minExtent: 124,
  // Rows that add a loss to KD say `+ ND` for `KD + ND`: the base stands above them.
  labelExpr: "replace(datum.label, 'KD + ', '+ ')",
} as const;

/** The labels of rows, in their order. */
export function labelAxis(rows: readonly { readonly label: string }[]): Encoding['y'] {
  return { field: 'label', type: 'nominal', sort: rows.map(({ label }) => label), axis: labels };
}

/**
 * Plots of means with their intervals and seeds and the paper's numbers beside, a row a method; one plot
 * a comparison, but for those without rows.
 *
 * @param whose for those who do not see the plots
 */
export function intervalsBlock(
  whose: string,
  title: string,
  comparisons: readonly Comparison[],
  { wideLabels = false } = {},
): PlotsBlock {
  return {
    kind: 'plots',
    title,
    legend: marksOf(comparisons.flatMap(({ rows }) => rows)),
    plots: comparisons.map((comparison) => ({
      title: comparison.title,
      says: `${whose}: ${inWords(comparison)}`,
      spec:
        comparison.rows.length === 0
          ? null
          : alone(
              intervalPanel(comparison, wideLabels ? wideLabelWidth : width),
              wideLabels ? wideLabelMargins : margins,
            ),
    })),
  };
}

function inWords({ rows, difference }: Comparison): string {
  const format = difference ? toSigned2 : toFixed2;
  return rows
    .map(({ label, measured: { mean, interval } }) => {
      const ends = interval === null ? '' : ` (${formatInterval(interval, format)})`;
      return `${label} ${format(mean)}${ends}`;
    })
    .join('; ');
}

/** A row for each method: the paper's range and number, the interval, the seeds and their mean. */
function intervalPanel(
  { rows, axis, difference = false, domain }: Comparison,
  panelWidth: number,
): LayerPanel {
  const y = labelAxis(rows);
  const x = {
    type: 'quantitative',
    scale: { zero: difference, nice: true, ...(domain && { domain: [...domain] }) },
    axis: { title: axis, tickCount: 6 },
  } as const;
  const marks = marksOf(rows);
  const shared = { field: 'kind', type: 'nominal', legend: null } as const;
  const names = marks.map(({ label }) => label);
  const color = { ...shared, scale: { domain: names, range: marks.map((mark) => mark.color) } };
  const shape = { ...shared, scale: { domain: names, range: marks.map((mark) => mark.shape) } };
  return {
    width: panelWidth,
    height: (rows.length > fewRows ? 23 : 30) * rows.length,
    layer: [
      ...(difference
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
        mark: { type: 'point' as const, filled: true, opacity: 1, size: looks[kind].size },
        encoding: { x: { field: 'value', ...x }, y, color, shape },
      })),
    ],
  };
}

/** How the kinds of marks look that some rows have. */
function marksOf(rows: readonly IntervalRow[]): (typeof looks)[MarkKind][] {
  const has: Readonly<Record<MarkKind, boolean>> = {
    mean: true,
    seed: rows.some(({ measured }) => measured.n > 1),
    paper: rows.some(({ paper }) => paper !== null),
    range: rows.some(({ paperRange = null }) => paperRange !== null),
  };
  return kinds.filter((kind) => has[kind]).map((kind) => looks[kind]);
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

function pointsOf(rows: readonly IntervalRow[], kind: (typeof drawnLast)[number]) {
  return rows.flatMap(({ label, measured, paper }) => {
    const values = {
      paper: paper === null ? [] : [paper],
      // One seed is its own mean.
      seed: measured.n > 1 ? measured.values : [],
      mean: [measured.mean],
    }[kind];
    return values.map((value) => ({ label, kind: looks[kind].label, value }));
  });
}

function intervalsOf(rows: readonly IntervalRow[]) {
  return rows.flatMap(({ label, measured: { interval } }) =>
    interval === null ? [] : [{ label, ...interval }],
  );
}

function rangesOf(rows: readonly IntervalRow[]) {
  return rows.flatMap(({ label, paperRange: range = null }) =>
    range === null ? [] : [{ label, kind: looks.range.label, low: range.low, high: range.high }],
  );
}
