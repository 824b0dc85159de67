import type { TopLevelSpec } from 'vega-lite';
import type { Summary } from '../../statistics/summary';
import { alone, lineLooks, type Margins, type NamedLine, plotMargins, plotSize } from './style';

/** A measured quantity at one value of what it is drawn against. */
export interface RelationPoint {
  readonly x: number;
  readonly y: Summary;
}

/** Points that belong together, drawn as one line. */
export interface RelationSeries extends NamedLine {
  readonly points: readonly RelationPoint[];
}

/** A level that the series are compared with. */
interface RelationLevel extends NamedLine {
  readonly value: number;
}

/** What is drawn against what. */
export interface Relation {
  readonly x: { readonly title: string; readonly scale: 'linear' | 'log' };
  readonly y: string;
  readonly series: readonly RelationSeries[];
  readonly levels?: readonly RelationLevel[];
}

const margins: Margins = { ...plotMargins, right: 14 };

/**
 * A quantity against another: the mean over the seeds as a line, its 95 % interval upright, each seed as
 * a small point; levels across. Null when no series has a point.
 */
export function relationSpec({ x, y, series, levels = [] }: Relation): TopLevelSpec | null {
  const points = series.flatMap(({ label, points: own }) =>
    own.map(({ x: position, y: { mean, interval, values } }) => ({
      label,
      x: position,
      mean,
      low: interval?.low ?? mean,
      high: interval?.high ?? mean,
      values,
    })),
  );
  if (points.length === 0) return null;
  const seeds = points.flatMap(({ label, x: position, values }) =>
    values.length < 2 ? [] : values.map((value) => ({ label, x: position, value })),
  );
  const { color, strokeDash } = lineLooks([...series, ...levels]);
  const positions = points.map(({ x: position }) => position);
  const along = {
    field: 'x',
    type: 'quantitative',
    scale: {
      type: x.scale,
      nice: false,
      // Vega-Lite complains of it on a logarithmic scale.
      ...(x.scale === 'linear' && { zero: false }),
      domain: widened(Math.min(...positions), Math.max(...positions), x.scale),
    },
    axis: {
      title: x.title,
      values: [...new Set(positions)].sort((a, b) => a - b),
      labelOverlap: true,
      grid: false,
      // Each value as it was set, without zeros behind it.
      labelExpr:
        x.scale === 'log' && Math.max(...positions) >= 1e4
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
      ...plotSize,
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
