import type { TopLevelSpec } from 'vega-lite';
import {
  type CategoryResult,
  type CocoCurves,
  type CocoEvaluation,
  precisionAt,
} from '../../detection/coco/evaluate';
import {
  type LayerPanel,
  lineLooks,
  type NamedLine,
  palette,
  plotConfig,
  type PlotSize,
} from './style';

/** A precision–recall curve under its name. */
export interface PrecisionRecallLine extends NamedLine {
  /** At the recalls 0, 0.01, …, 1. */
  readonly precision: ArrayLike<number>;
}

/**
 * Precision over recall, both from 0 to 1, as COCO evaluates it: at each recall the best precision that is
 * had there or further right.
 *
 * @param lines the first one lies on top; lines of one label are one entry of the legend
 * @param title of a chart that stands for itself: it names its lines below
 */
export function precisionRecallPanel(
  lines: readonly PrecisionRecallLine[],
  { width, height }: PlotSize,
  title?: { text: string; subtitle: string },
): LayerPanel {
  // Lines of one label have one look.
  const named = [...new Map(lines.map((line) => [line.label, line])).values()];
  const looks = lineLooks(
    named,
    title ? { columns: 2, symbolType: 'stroke', symbolSize: 400, symbolStrokeWidth: 2 } : null,
  );
  const axis = {
    type: 'quantitative' as const,
    scale: { domain: [0, 1], nice: false },
  };
  return {
    ...(title && { title }),
    width,
    height,
    layer: [
      {
        data: { values: lines.flatMap(points).reverse() },
        mark: { type: 'line', strokeWidth: 2, interpolate: 'step-before', clip: true },
        encoding: {
          detail: { field: 'line', type: 'nominal' },
          x: { field: 'recall', ...axis, axis: { title: 'recall', tickCount: 5 } },
          y: {
            field: 'precision',
            ...axis,
            axis: { title: 'precision', tickCount: 5, minExtent: 30, maxExtent: 30 },
          },
          ...looks,
        },
      },
    ],
  };
}

const solid = [1, 0] as const;
const size: PlotSize = { width: 340, height: 300 };
/** Categories that have a colour and a name of their own: as many as can be told apart. */
const namedCategories = 6;

/**
 * One evaluation on a sheet: the mean curve of the categories at each overlap, and at an overlap of 0.50
 * that of each category, the ones with most objects in colour. Null where there is no object to find.
 */
export function evaluationCurves({ curves, byCategory }: CocoEvaluation): TopLevelSpec | null {
  const overlaps = overlapLines(curves);
  if (overlaps.length === 0) return null;
  return {
    config: plotConfig,
    spacing: 40,
    hconcat: [
      precisionRecallPanel(overlaps, size, {
        text: 'By overlap',
        subtitle: 'mean over the categories',
      }),
      precisionRecallPanel(categoryLines(curves, byCategory), size, {
        text: 'By category',
        subtitle: 'at an overlap of 0.50',
      }),
    ],
    resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
  };
}

/** From 0.50 in a dark blue to 0.95 in a light one. */
function overlapLines(curves: CocoCurves): PrecisionRecallLine[] {
  return [...curves.overlaps].flatMap((overlap, index) => {
    const precision = precisionAt(curves, overlap);
    if (precision === undefined) return [];
    const mix = index / Math.max(1, curves.overlaps.length - 1);
    const channel = (dark: number, light: number): number =>
      Math.round(dark + mix * (light - dark));
    const color = `rgb(${channel(0, 190)}, ${channel(58, 215)}, ${channel(112, 236)})`;
    const mean = precision.reduce((sum, value) => sum + value, 0) / precision.length;
    const label = `${overlap.toFixed(2)}: AP ${mean.toFixed(3)}`;
    return [{ label, style: { color, dash: solid }, precision }];
  });
}

function categoryLines(
  curves: CocoCurves,
  byCategory: readonly CategoryResult[],
): PrecisionRecallLine[] {
  // Grey comes last, and is for what has no name.
  const colours = Object.values(palette).slice(0, namedCategories);
  const ranked = byCategory
    .filter(({ objects }) => objects > 0)
    .sort((a, b) => b.objects - a.objects);
  return ranked.flatMap(({ id, name, objects, AP50 }, index) => {
    const precision = precisionAt(curves, 0.5, id);
    if (precision === undefined) return [];
    const label =
      index < namedCategories
        ? `${name} (${String(objects)}): AP50 ${AP50.toFixed(3)}`
        : `${String(ranked.length - namedCategories)} others`;
    const color = colours[index] ?? '#d0d4d8';
    return [{ label, style: { color, dash: solid }, precision }];
  });
}

function points({ label, precision }: PrecisionRecallLine, line: number): object[] {
  return Array.from(precision, (value, at) => ({
    line,
    label,
    recall: at / Math.max(1, precision.length - 1),
    precision: Math.round(1e4 * value) / 1e4,
  }));
}
