import type { TopLevelSpec } from 'vega-lite';
import type { Gain } from './gain';
import { palette, plotConfig, type Panel } from './plot-style';
import type { Summary } from './statistics';
import type { Table1, Table1Pair, Table1Row } from './table1-model';
import { pairInWords, settingInWords } from './words';

/** The kinds of marks, in the legend's order. */
const kinds = ['mean', 'seed', 'paper', 'range'] as const;
type Kind = (typeof kinds)[number];

/** Points above the bars and intervals; a mean covers its seeds, the paper's bar sticks out of both. */
const drawnLast = ['paper', 'seed', 'mean'] as const;
const uprightBar = 'M-0.17,-1H0.17V1H-0.17Z';

/** How each kind of mark looks. */
const looks: Record<Kind, { label: string; color: string; shape: string; size: number }> = {
  mean: { label: 'measured, mean', color: palette.blue, shape: 'circle', size: 110 },
  seed: { label: 'measured, one seed', color: palette.sky, shape: 'circle', size: 36 },
  paper: { label: 'the paper', color: palette.vermilion, shape: uprightBar, size: 420 },
  range: {
    label: 'the paper, on its own pairs',
    color: palette.orange,
    shape: 'square',
    size: 130,
  },
};

const rowHeight = 30;

const eachItsOwn = { scale: { color: 'independent', shape: 'independent' } } as const;

/**
 * Gains in points of top-1, measured beside the paper's: over the student alone, and of each `++`
 * method over its base. Null when there is no measured gain.
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
    : {
        config: plotConfig,
        vconcat,
        spacing: 28,
        resolve: eachItsOwn,
      };
}

/** The gains of one pair alone. */
export function pairGainsSpec(pair: Table1Pair, width: number): TopLevelSpec | null {
  const vconcat = pairPanels(pair, width, []);
  return vconcat.length === 0
    ? null
    : { config: plotConfig, vconcat, spacing: 20, resolve: eachItsOwn };
}

function pairPanels({ rows }: Table1Pair, width: number, heading: readonly string[]): Panel[] {
  const panels = [
    {
      title: 'Gain over the student alone',
      gains: measuredGains(rows, ({ overStudent }) => overStudent),
    },
    { title: 'Gain of ++ over its base', gains: measuredGains(rows, ({ overBase }) => overBase) },
  ].filter(({ gains }) => gains.length > 0);
  // One legend below the last panel serves both.
  const shown = new Set(panels.flatMap(({ gains }) => [...marksOf(gains)]));
  return panels.map(({ title, gains }, index) =>
    panel(gains, {
      title: [...(index === 0 ? heading.slice(0, 1) : []), title],
      subtitle: index === 0 ? heading.slice(1) : [],
      width,
      shown,
      legend: index === panels.length - 1,
    }),
  );
}

interface MeasuredGain {
  readonly method: string;
  readonly gain: Gain;
  readonly measured: Summary;
}

function measuredGains(
  rows: readonly Table1Row[],
  gainOf: (row: Table1Row) => Gain | null,
): MeasuredGain[] {
  return rows.flatMap((row) => {
    const gain = gainOf(row);
    const measured = gain?.measured ?? null;
    return gain === null || measured === null ? [] : [{ method: row.label, gain, measured }];
  });
}

interface PanelLook {
  readonly title: string[];
  readonly subtitle: string[];
  readonly width: number;
  /** The kinds of marks in the legend. */
  readonly shown: ReadonlySet<Kind>;
  readonly legend: boolean;
}

/** One chart as Vega-Lite layers: ranges of the paper, intervals, seeds, then means and the paper. */
function panel(
  gains: readonly MeasuredGain[],
  { title, subtitle, width, shown, legend }: PanelLook,
): Panel {
  const look = kinds.filter((kind) => shown.has(kind)).map((kind) => looks[kind]);
  const domain = look.map(({ label }) => label);
  const y = {
    field: 'method',
    type: 'nominal',
    sort: gains.map(({ method }) => method),
    axis: { title: null, grid: true, domain: false, ticks: false, labelPadding: 8, minExtent: 106 },
  } as const;
  const x = {
    type: 'quantitative',
    scale: { zero: true, nice: true },
    axis: { title: 'points of top-1', tickCount: 6 },
  } as const;
  const shared = { field: 'kind', legend: legend ? { columns: width < 400 ? 1 : 3 } : null };
  const color = {
    ...shared,
    type: 'nominal',
    scale: { domain, range: look.map((l) => l.color) },
  } as const;
  const shape = {
    ...shared,
    type: 'nominal',
    scale: { domain, range: look.map((l) => l.shape) },
  } as const;
  return {
    title: { text: title, ...(subtitle.length === 0 ? {} : { subtitle }) },
    width,
    height: rowHeight * gains.length,
    layer: [
      {
        data: { values: [{ zero: 0 }] },
        mark: { type: 'rule', color: palette.grey },
        encoding: { x: { field: 'zero', ...x } },
      },
      {
        data: { values: rangesOf(gains) },
        mark: { type: 'bar', height: 12, opacity: 0.45 },
        encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y, color },
      },
      {
        data: { values: intervalsOf(gains) },
        mark: { type: 'rule', strokeWidth: 2, color: palette.blue },
        encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y },
      },
      ...drawnLast.map((kind) => ({
        data: { values: pointsOf(gains, kind) },
        mark: { type: 'point' as const, filled: true, opacity: 1, size: looks[kind].size },
        encoding: { x: { field: 'gain', ...x }, y, color, shape },
      })),
    ],
  };
}

interface GainPoint {
  readonly method: string;
  readonly kind: string;
  readonly gain: number;
}

function pointsOf(gains: readonly MeasuredGain[], kind: (typeof drawnLast)[number]): GainPoint[] {
  return gains.flatMap(({ method, gain, measured }) => {
    const values = {
      paper: gain.paper === null ? [] : [gain.paper],
      // One seed is its own mean.
      seed: measured.n > 1 ? measured.values : [],
      mean: [measured.mean],
    }[kind];
    return values.map((value) => ({ method, kind: looks[kind].label, gain: value }));
  });
}

interface Bar {
  readonly method: string;
  readonly low: number;
  readonly high: number;
}

function intervalsOf(gains: readonly MeasuredGain[]): Bar[] {
  return gains.flatMap(({ method, measured: { interval } }) =>
    interval === null ? [] : [{ method, ...interval }],
  );
}

function rangesOf(gains: readonly MeasuredGain[]): (Bar & { kind: string })[] {
  return gains.flatMap(({ method, gain: { paperRange: range } }) =>
    range === null ? [] : [{ method, kind: looks.range.label, low: range.low, high: range.high }],
  );
}

function marksOf(gains: readonly MeasuredGain[]): Set<Kind> {
  return new Set<Kind>([
    'mean',
    ...(gains.some(({ measured }) => measured.n > 1) ? (['seed'] as const) : []),
    ...(gains.some(({ gain }) => gain.paper !== null) ? (['paper'] as const) : []),
    ...(gains.some(({ gain }) => gain.paperRange !== null) ? (['range'] as const) : []),
  ]);
}
