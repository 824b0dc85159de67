import { familySpecs, type PlotSize, type Quantity } from '../curves-plot';
import { teacherStyle, type Family, type LineStyle } from '../families';
import { intervalPanel, marksOf, wideLabelMargins, type IntervalRow } from '../interval-panel';
import { alone, palette } from '../plot-style';
import { intervalsInWords, lastOf, type Drawing } from '../figures';
import { plain, signed } from '../words';
import type { Block } from './document';
import { measured } from './method-table';
import { rowOf, type StudyPair, type StudyRow } from './model';

/** Plotting areas, small enough for a telephone. */
export const plotSize: PlotSize = { width: 286, height: 190 };
const barsWidth = 182;

/** What every study compares with. */
export const kdStyle: LineStyle = { color: palette.vermilion, dash: [6, 3] };
/** The student alone. */
export const aloneStyle: LineStyle = { color: palette.grey, dash: [2, 3] };

/** Beside KD's line, and none of them the teacher's purple. */
const styles: readonly LineStyle[] = [
  { color: palette.blue, dash: [1, 0] },
  { color: palette.green, dash: [2, 2] },
  { color: palette.orange, dash: [3, 1] },
  { color: palette.sky, dash: [8, 3, 2, 3] },
  { color: palette.grey, dash: [1, 0] },
];

/** The style of the n-th line that is not KD's. */
export function styleAt(index: number): LineStyle {
  return styles[index % styles.length] ?? kdStyle;
}

/** Methods whose lines share a plot, beside KD's. */
export interface LineGroup {
  readonly label: string;
  readonly methods: readonly string[];
}

/** A block for each group of methods: their quantities by epoch. */
export function epochBlocks(
  pair: StudyPair,
  groups: readonly LineGroup[],
  quantities: readonly Quantity[],
): Block[] {
  const families = groups
    .map((group) => familyOf(pair, group))
    .filter(({ series }) => series.some(({ method }) => method !== 'kd'));
  const drawn = quantities.map((quantity) => ({
    quantity,
    specs: familySpecs(families, quantity, plotSize),
  }));
  return families.map((family, index) => ({
    kind: 'plots',
    title: `${family.label}, epoch by epoch`,
    legend: [
      ...family.series.map(({ label, style }) => ({ label, style })),
      ...(quantities.some(({ ofTeacher }) => ofTeacher !== undefined)
        ? [{ label: 'Teacher (norm)', style: teacherStyle }]
        : []),
    ],
    plots: drawn.map(({ quantity, specs }) => ({
      title: quantity.title,
      says: `${pair.pair}, after the last epoch: ${lastOf(family, quantity)}`,
      spec: specs[index] ?? null,
    })),
  }));
}

/** Accuracy and gain over KD of all methods, with intervals. */
export function barsBlock(pair: StudyPair): Block {
  const accuracy = intervalRows(measured(pair), ({ top1 }) => top1);
  const gains = intervalRows(measured(pair), ({ overBase }) => overBase);
  return {
    kind: 'plots',
    title: 'Accuracy and gains, with intervals',
    legend: [],
    marks: marksOf([...accuracy, ...gains]),
    plots: [
      intervalDrawing(pair, accuracy, {
        title: 'Top-1 after the last epoch',
        axis: 'top-1 (%)',
        write: plain,
      }),
      intervalDrawing(pair, gains, {
        title: 'Gain over the base, same seeds',
        axis: 'points of top-1',
        write: signed,
      }),
    ],
  };
}

function intervalRows(
  rows: readonly StudyRow[],
  of: (row: StudyRow) => IntervalRow['measured'] | null,
): IntervalRow[] {
  return rows.flatMap((row) => {
    const value = of(row);
    return value === null ? [] : [{ label: row.label, measured: value, paper: null }];
  });
}

function intervalDrawing(
  { pair }: StudyPair,
  rows: readonly IntervalRow[],
  { title, axis, write }: { title: string; axis: string; write: (value: number) => string },
): Drawing {
  return {
    title,
    says: `${pair}: ${intervalsInWords(rows, write)}`,
    spec:
      rows.length === 0
        ? null
        : alone(
            intervalPanel(rows, { width: barsWidth, axis, zero: write === signed }),
            wideLabelMargins,
          ),
  };
}

function familyOf(pair: StudyPair, { label, methods }: LineGroup): Family {
  const others = methods.filter((method) => method !== 'kd');
  return {
    label,
    series: methods.flatMap((method) => {
      const row = rowOf(pair, method);
      return row === undefined || row.curves.length === 0
        ? []
        : [
            {
              method,
              label: row.label,
              style: method === 'kd' ? kdStyle : styleAt(others.indexOf(method)),
              curves: row.curves,
            },
          ];
    }),
  };
}
