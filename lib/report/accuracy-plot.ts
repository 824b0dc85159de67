import type { TopLevelSpec } from 'vega-lite';
import { intervalMargins, intervalPanel, type IntervalRow } from './interval-panel';
import { alone } from './plot-style';
import type { Table1Pair } from './table1-model';

/** The rows of a plot of top-1 after the last epoch. */
export function accuracyRows({ rows }: Table1Pair): IntervalRow[] {
  return rows.flatMap((row) =>
    row.measured === null
      ? []
      : [
          {
            label: row.shortLabel,
            measured: row.measured,
            paper: row.reasons.length === 0 ? (row.paper?.value ?? null) : null,
          },
        ],
  );
}

/**
 * Top-1 after the last epoch of each method on one pair: the mean with its 95 % interval, each seed,
 * and the paper's number where the row has the paper's own setting. Null without a finished run.
 *
 * @param width - of the plotting area, in pixels
 */
export function pairAccuracySpec(pair: Table1Pair, width: number): TopLevelSpec | null {
  const rows = accuracyRows(pair);
  if (rows.length === 0) return null;
  const panel = intervalPanel(rows, { width, axis: 'top-1 (%)', zero: false });
  return alone(panel, intervalMargins);
}
