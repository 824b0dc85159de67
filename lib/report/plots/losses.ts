import type { TopLevelSpec } from 'vega-lite';
import type { DetectionRun } from '../../runs/store';
import type { Drawing, LegendEntry, LineStyle } from '../document';
import {
  alone,
  lineLooks,
  linesLegend,
  type Margins,
  type NamedLine,
  palette,
  plotMargins,
  plotSize,
} from './style';

const margins: Margins = { ...plotMargins, left: 56 };

/** The detector's own losses together, and the terms of distillation, each with its weight in it. */
const styles: Readonly<Record<string, LineStyle>> = {
  'the detector’s own': { color: palette.grey, dash: [1, 0] },
  KD: { color: palette.vermilion, dash: [6, 3] },
  DKD: { color: palette.orange, dash: [3, 1] },
  ReviewKD: { color: palette.green, dash: [2, 2] },
  ND: { color: palette.blue, dash: [1, 0] },
};
const other: LineStyle = { color: palette.purple, dash: [9, 4] };

const names: Readonly<Record<string, string>> = {
  kd: 'KD',
  dkd: 'DKD',
  reviewPyramid: 'ReviewKD',
  normDirection: 'ND',
};
const ownLosses = ['objectness', 'proposalBox', 'classification', 'box'];

/** Lines of at most so many points: the eye sees no more. */
const points = 60;

type Point = ReturnType<typeof pointsOf>[number];

/** The losses of one run by iteration. */
export function lossDrawing(title: string, run: DetectionRun): Drawing {
  const values = pointsOf(run);
  const last = new Map(values.map(({ label, value }) => [label, value]));
  return {
    title,
    says: `${run.config.pair}, ${title}, at the end: ${[...last].map(([label, value]) => `${label} ${value.toFixed(3)}`).join('; ')}`,
    spec: values.length === 0 ? null : specOf(values, [...last.keys()]),
  };
}

/** Which lines the plots of some runs have. */
export function lossLegend(runs: readonly DetectionRun[]): LegendEntry[] {
  const labels = new Set(runs.flatMap(pointsOf).map(({ label }) => label));
  return linesLegend(named([...labels]));
}

function named(labels: readonly string[]): NamedLine[] {
  return labels.map((label) => ({ label, style: styles[label] ?? other }));
}

function pointsOf({ metrics }: DetectionRun) {
  const every = Math.max(1, Math.ceil(metrics.length / points));
  return metrics.flatMap(({ iteration }, index) => {
    if ((index + 1) % every !== 0) return [];
    const lines = metrics.slice(index + 1 - every, index + 1);
    const meanOf = (loss: string): number =>
      lines.reduce((sum, line) => sum + (line.losses[loss] ?? 0), 0) / lines.length;
    const terms = Object.keys(lines[0]?.losses ?? {}).filter((loss) => !ownLosses.includes(loss));
    const own = ownLosses.reduce((sum, loss) => sum + meanOf(loss), 0);
    return [
      { iteration, label: 'the detector’s own', value: own },
      ...terms.map((loss) => ({ iteration, label: names[loss] ?? loss, value: meanOf(loss) })),
    ];
  });
}

function specOf(values: readonly Point[], labels: readonly string[]): TopLevelSpec {
  return alone(
    {
      data: { values: [...values] },
      ...plotSize,
      layer: [
        {
          mark: { type: 'line', strokeWidth: 2 },
          encoding: {
            x: {
              field: 'iteration',
              type: 'quantitative',
              scale: { nice: false },
              axis: { title: 'iteration', tickCount: 6, grid: false },
            },
            y: {
              field: 'value',
              type: 'quantitative',
              // A term of a hundredth of another's size falls to be seen as well.
              scale: { type: 'log' },
              axis: { title: 'loss', tickCount: 5, minExtent: 34, maxExtent: 34 },
            },
            ...lineLooks(named(labels)),
          },
        },
      ],
    },
    margins,
  );
}
