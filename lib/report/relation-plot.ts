import type { TopLevelSpec } from 'vega-lite';
import type { LineStyle } from './families';
import { alone, type Margins } from './plot-style';
import type { PlotSize } from './curves-plot';
import type { Summary } from '../statistics/summary';

/** A measured quantity at one value of what it is drawn against. */
export interface RelationPoint {
  readonly x: number;
  readonly y: Summary;
}

/** Points that belong together, drawn as one line. */
export interface RelationSeries {
  readonly label: string;
  readonly style: LineStyle;
  readonly points: readonly RelationPoint[];
}

/** A level that the series are compared with. */
export interface RelationLevel {
  readonly label: string;
  readonly style: LineStyle;
  readonly value: number;
}

/** What is drawn against what. */
export interface Relation {
  readonly x: {
    readonly title: string;
    readonly scale: 'linear' | 'log';
    /** Where the axis has marks; the drawn values where nothing is said. */
    readonly marks?: readonly number[];
  };
  readonly y: string;
  readonly series: readonly RelationSeries[];
  readonly levels?: readonly RelationLevel[];
}

const margins: Margins = { left: 52, right: 14, top: 8, bottom: 42 };

/**
 * A quantity against another: the mean over the seeds as a line, its 95 % interval upright, each seed as
 * a small point; levels across. Null when no series has a point.
 */
export function relationSpec(
  { x, y, series, levels = [] }: Relation,
  { width, height }: PlotSize,
): TopLevelSpec | null {
  const points = series.flatMap(({ label, points: own }) =>
    own.map(({ x: place, y: { mean, interval, values } }) => ({
      label,
      place,
      mean,
      low: interval?.low ?? mean,
      high: interval?.high ?? mean,
      values,
    })),
  );
  if (points.length === 0) return null;
  const seeds = points.flatMap(({ label, place, values }) =>
    values.length < 2 ? [] : values.map((value) => ({ label, place, value })),
  );
  const drawn = [...series, ...levels];
  const names = drawn.map(({ label }) => label);
  const color = {
    field: 'label',
    type: 'nominal',
    legend: null,
    scale: { domain: names, range: drawn.map(({ style }) => style.color) },
  } as const;
  const strokeDash = {
    field: 'label',
    type: 'nominal',
    legend: null,
    scale: { domain: names, range: drawn.map(({ style }) => [...style.dash]) },
  } as const;
  const places = points.map(({ place }) => place);
  const ticks: number[] = [...(x.marks ?? [...new Set(places)].sort((a, b) => a - b))];
  const along = {
    field: 'place',
    type: 'quantitative',
    scale: {
      type: x.scale,
      nice: false,
      // Vega-Lite complains of it on a logarithmic scale.
      ...(x.scale === 'linear' && { zero: false }),
      domain: widened(Math.min(...places), Math.max(...places), x.scale),
    },
    axis: {
      title: x.title,
      values: ticks,
      labelOverlap: true,
      grid: false,
      // Each value as it was set, without zeros behind it.
      labelExpr:
        x.scale === 'log' && Math.max(...places) >= 1e4
          ? "format(datum.value, '.2~s')"
          : 'datum.value',
    },
  } as const;
  const up = {
    type: 'quantitative',
    scale: { zero: false, nice: true },
    axis: { title: y, tickCount: 5, minExtent: 30, maxExtent: 30 },
  } as const;
  return alone(
    {
      width,
      height,
      layer: [
        {
          data: { values: levels.map(({ label, value }) => ({ label, value })) },
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { y: { ...up, field: 'value' }, color, strokeDash },
        },
        {
          data: { values: points },
          mark: { type: 'line', strokeWidth: 2 },
          encoding: { x: along, y: { ...up, field: 'mean' }, color, strokeDash },
        },
        {
          data: { values: points },
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x: along, y: { ...up, field: 'low' }, y2: { field: 'high' }, color },
        },
        {
          data: { values: seeds },
          mark: { type: 'point', filled: true, size: 14, opacity: 0.55 },
          encoding: { x: along, y: { ...up, field: 'value' }, color },
        },
        {
          data: { values: points },
          mark: { type: 'point', filled: true, size: 50, opacity: 1 },
          encoding: { x: along, y: { ...up, field: 'mean' }, color },
        },
      ],
    },
    margins,
  );
}

/** Room beside the first and last point. */
function widened(low: number, high: number, scale: 'linear' | 'log'): [number, number] {
  if (scale === 'log') {
    const factor = high > low ? (high / low) ** 0.06 : 1.5;
    return [low / factor, high * factor];
  }
  const margin = high > low ? (high - low) * 0.06 : 1;
  return [low - margin, high + margin];
}
