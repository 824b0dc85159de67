import type { TopLevelSpec } from 'vega-lite';
import type { Gain } from './gain';
import {
  eachItsOwn,
  extentOf,
  intervalMargins,
  intervalPanel,
  marksOf,
  type IntervalRow,
  type PanelLook,
} from './interval-panel';
import { alone, plotConfig, type Panel } from './plot-style';
import type { Table1, Table1Pair, Table1Row } from './table1-model';
import { pairInWords, settingInWords } from './words';

/** The gains of a pair, one panel below the other. */
const comparisons: readonly { title: string; gainOf: (row: Table1Row) => Gain | null }[] = [
  {
    title: 'Gain over the student alone (same recipe)',
    gainOf: ({ overStudent }) => overStudent,
  },
  { title: 'Gain of ++ over its own recipe with ND 0', gainOf: ({ overBase }) => overBase },
  { title: 'Gain of ++ over its published base', gainOf: ({ overPublished }) => overPublished },
];

/**
 * Gains in points of top-1, measured beside the paper's: over the student alone, and of each `++`
 * method over its two bases. Null when there is no measured gain.
 *
 * @param width - of the plotting area, in pixels
 */
export function gainsSpec(table: Table1, width: number): TopLevelSpec | null {
  const vconcat = table.groups.flatMap((group) =>
    group.pairs.flatMap((pair) =>
      pairPanels(pair, width, [pairInWords(pair), settingInWords(group.setting)]),
    ),
  );
  return vconcat.length === 0
    ? null
    : { config: plotConfig, vconcat, spacing: 28, resolve: eachItsOwn };
}

/** One comparison on one pair: its rows, and the ends of its scale. */
interface PairGains {
  readonly title: string;
  readonly rows: readonly IntervalRow[];
  readonly look: Pick<PanelLook, 'axis' | 'zero' | 'domain'>;
}

/** A comparison on one pair as a plot without title and legend. */
export interface GainsPlot {
  readonly title: string;
  readonly rows: readonly IntervalRow[];
  readonly spec: TopLevelSpec;
}

/** The measured gains of one pair alone, one plot for each comparison. */
export function pairGainsPlots(pair: Table1Pair, width: number): GainsPlot[] {
  return gainsOf(pair).map(({ title, rows, look }) => ({
    title,
    rows,
    spec: alone(intervalPanel(rows, { ...look, width }), intervalMargins),
  }));
}

function pairPanels(pair: Table1Pair, width: number, heading: readonly string[]): Panel[] {
  const panels = gainsOf(pair);
  // One legend below the last panel serves all.
  const legend = marksOf(panels.flatMap(({ rows }) => rows));
  return panels.map(({ title, rows, look }, index) =>
    intervalPanel(rows, {
      ...look,
      title: [...(index === 0 ? heading.slice(0, 1) : []), title],
      subtitle: index === 0 ? heading.slice(1) : [],
      width,
      ...(index === panels.length - 1 && { legend }),
    }),
  );
}

function gainsOf({ rows }: Table1Pair): PairGains[] {
  const measured = comparisons.map(({ title, gainOf }) => ({
    title,
    rows: measuredGains(rows, gainOf),
  }));
  // One scale for both bases, so that their plots can be compared.
  const [low, high] = extentOf(measured.slice(1).flatMap((comparison) => comparison.rows));
  const domain = [Math.min(0, low), Math.max(0, high)] as const;
  return measured
    .map((comparison, index) => ({
      ...comparison,
      look: { axis: 'points of top-1', zero: true, ...(index > 0 && { domain }) },
    }))
    .filter((comparison) => comparison.rows.length > 0);
}

function measuredGains(
  rows: readonly Table1Row[],
  gainOf: (row: Table1Row) => Gain | null,
): IntervalRow[] {
  return rows.flatMap((row) => {
    const gain = gainOf(row);
    const measured = gain?.measured ?? null;
    return gain === null || measured === null
      ? []
      : [{ label: row.shortLabel, measured, paper: gain.paper, paperRange: gain.paperRange }];
  });
}
