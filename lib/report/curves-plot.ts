import { mean } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { baseOf } from './gain';
import { palette, plotConfig, type Panel } from './plot-style';
import type { Curve, Table1, Table1Pair } from './table1-model';
import { pairInWords, settingInWords } from './words';

const height = 260;

/** One colour a family: a `++` method shares its base's, drawn through where the base is dashed. */
const colors = [
  palette.blue,
  palette.vermilion,
  palette.green,
  palette.purple,
  palette.orange,
  palette.sky,
];
const throughLine = [1, 0];
const dashes = [5, 3];
const dots = [2, 3];

/**
 * Top-1 by epoch: the mean over the seeds of each method as a line, and a band from the smallest to
 * the largest of its seeds. Null when no run has an epoch yet.
 *
 * @param width - of the plotting area, in pixels
 */
export function curvesSpec(table: Table1, width: number): TopLevelSpec | null {
  const vconcat = table.groups.flatMap((group) =>
    group.pairs.flatMap((pair) =>
      panel(pair, width, [pairInWords(pair), settingInWords(group.setting)]),
    ),
  );
  return vconcat.length === 0
    ? null
    : {
        config: plotConfig,
        vconcat,
        spacing: 28,
        resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
      };
}

/** The learning curves of one pair alone. */
export function pairCurvesSpec(pair: Table1Pair, width: number): TopLevelSpec | null {
  const vconcat = panel(pair, width, ['Top-1 by epoch']);
  return vconcat.length === 0 ? null : { config: plotConfig, vconcat };
}

function panel(pair: Table1Pair, width: number, heading: readonly string[]): Panel[] {
  const order = pair.rows.map(({ method }) => method);
  const methods = order.filter((method) => pair.curves.some((curve) => curve.method === method));
  if (methods.length === 0) return [];
  const families = [...new Set(methods.map(familyOf))];
  const label = (method: string): string =>
    pair.rows.find((row) => row.method === method)?.label ?? method;
  const domain = methods.map(label);
  const legend = {
    columns: width < 400 ? 2 : 5,
    symbolType: 'stroke',
    symbolSize: 900,
    symbolStrokeWidth: 2,
  };
  const color = {
    field: 'label',
    type: 'nominal',
    legend,
    scale: {
      domain,
      range: methods.map((method) =>
        method === 'student'
          ? palette.grey
          : (colors[
              families.filter((f) => f !== 'student').indexOf(familyOf(method)) % colors.length
            ] ?? palette.grey),
      ),
    },
  } as const;
  const dash = {
    field: 'label',
    type: 'nominal',
    legend,
    scale: { domain, range: methods.map(dashOf) },
  } as const;
  const x = {
    field: 'epoch',
    type: 'quantitative',
    scale: { nice: false },
    axis: { title: 'epoch', tickMinStep: 1, grid: false },
  } as const;
  const y = {
    type: 'quantitative',
    scale: { zero: false },
    axis: { title: 'top-1 on the test images (%)', tickCount: 6 },
  } as const;
  const values = methods.flatMap((method) =>
    epochsOf(pair.curves.filter((curve) => curve.method === method)).map((epoch) => ({
      label: label(method),
      ...epoch,
    })),
  );
  const subtitle = heading.slice(1);
  return [
    {
      data: { values },
      title: { text: heading.slice(0, 1), ...(subtitle.length === 0 ? {} : { subtitle }) },
      width,
      height,
      layer: [
        {
          mark: { type: 'area', opacity: 0.15 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
        },
        {
          mark: { type: 'line', strokeWidth: 2, point: values.length <= methods.length },
          encoding: { x, y: { ...y, field: 'top1' }, color, strokeDash: dash },
        },
      ],
    },
  ];
}

interface EpochOfSeeds {
  readonly epoch: number;
  readonly top1: number;
  readonly low: number;
  readonly high: number;
}

/** Mean, smallest and largest of each epoch that all the seeds have reached. */
function epochsOf(curves: readonly Curve[]): EpochOfSeeds[] {
  const epochs = Math.min(...curves.map(({ top1 }) => top1.length));
  return Array.from({ length: epochs }, (_, index) => {
    const values = curves.flatMap(({ top1 }) => top1[index] ?? []);
    return {
      epoch: index + 1,
      top1: mean(values),
      low: Math.min(...values),
      high: Math.max(...values),
    };
  });
}

function familyOf(method: string): string {
  return baseOf(method) ?? method;
}

function dashOf(method: string): number[] {
  if (method === 'student') return dots;
  return baseOf(method) === null ? dashes : throughLine;
}
