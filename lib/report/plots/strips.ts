import { quantile } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { labelAxis, wideLabelMargins } from './intervals';
import { alone, palette } from './style';

/** Many values of one thing: of each class, for instance. */
export interface Strip {
  readonly label: string;
  readonly values: readonly number[];
}

/** How values spread. */
export type Spread = Readonly<Record<'lowest' | 'tenth' | 'median' | 'ninetieth', number>>;

/** Deciles by interpolation between order statistics. */
export function spreadOf(values: readonly number[]): Spread {
  const [lowest = NaN, tenth = NaN, median = NaN, ninetieth = NaN] = quantile(
    [...values],
    [0, 0.1, 0.5, 0.9],
  );
  return { lowest, tenth, median, ninetieth };
}

/**
 * A row for each strip: every value as an upright stroke, a bar from the tenth to the ninetieth
 * percentile, the median as a point. Null without values.
 *
 * @param width - of the plotting area, in pixels
 */
export function stripSpec(
  strips: readonly Strip[],
  { width, axis }: { width: number; axis: string },
): TopLevelSpec | null {
  const drawn = strips.filter(({ values }) => values.length > 0);
  if (drawn.length === 0) return null;
  const y = labelAxis(drawn);
  const x = {
    type: 'quantitative',
    scale: { zero: false, nice: true },
    axis: { title: axis, tickCount: 6 },
  } as const;
  const spreads = drawn.map(({ label, values }) => ({ label, ...spreadOf(values) }));
  return alone(
    {
      width,
      height: 26 * drawn.length,
      layer: [
        {
          data: { values: spreads },
          mark: { type: 'bar', height: 14, opacity: 0.35, color: palette.sky },
          encoding: { x: { field: 'tenth', ...x }, x2: { field: 'ninetieth' }, y },
        },
        {
          data: {
            values: drawn.flatMap(({ label, values }) => values.map((value) => ({ label, value }))),
          },
          mark: { type: 'tick', size: 10, thickness: 1, opacity: 0.55, color: palette.blue },
          encoding: { x: { field: 'value', ...x }, y },
        },
        {
          data: { values: spreads },
          mark: { type: 'point', filled: true, size: 60, opacity: 1, color: palette.vermilion },
          encoding: { x: { field: 'median', ...x }, y },
        },
      ],
    },
    wideLabelMargins,
  );
}
