import { mean } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import type { Curve } from '../curves';
import type { PlotsBlock } from '../document';
import {
  alone,
  type LayerPanel,
  lineLooks,
  linesLegend,
  type NamedLine,
  type PlotSize,
  plotMargins,
  plotSize,
  teacherStyle,
} from './style';

/** The runs of one method, drawn as one line. */
export interface Series extends NamedLine {
  readonly method: string;
  readonly curves: readonly Curve[];
}

/** Methods that are compared with each other and share a plot. */
export interface Family {
  readonly label: string;
  readonly series: readonly Series[];
}

/** Something that each run has after each epoch. */
export interface Quantity {
  readonly title: string;
  readonly axis: string;
  readonly of: (curve: Curve) => readonly (number | null)[];
  /** The teacher's value of the same, where it has one. */
  readonly ofTeacher?: (curve: Curve) => readonly (number | null)[];
}

export const top1ByEpoch: Quantity = {
  title: 'Top-1 by epoch',
  axis: 'top-1 (%)',
  of: ({ top1 }) => top1,
};

export const normByEpoch: Quantity = {
  title: 'Embedding norm by epoch',
  axis: 'mean norm',
  of: ({ studentNorm }) => studentNorm,
  ofTeacher: ({ teacherNorm }) => teacherNorm,
};

export const cosineByEpoch: Quantity = {
  title: 'Cosine to the own class mean by epoch',
  axis: 'mean cosine',
  of: ({ cosine }) => cosine,
};

/**
 * A block for each family of methods: quantities by epoch, the mean over the seeds as a line and a band
 * from the smallest to the largest of its seeds.
 *
 * @param whose for those who do not see the plots
 */
export function epochBlocks(
  whose: string,
  families: readonly Family[],
  quantities: readonly Quantity[],
): PlotsBlock[] {
  const drawn = quantities.map((quantity) => ({
    quantity,
    specs: familySpecs(families, quantity, plotSize),
  }));
  return families.map((family, index) => ({
    kind: 'plots',
    title: `${family.label}, epoch by epoch`,
    legend: linesLegend([
      ...family.series,
      ...(quantities.some((quantity) => teachersOf(family, quantity).length > 0)
        ? [{ label: 'Teacher (norm)', style: teacherStyle }]
        : []),
    ]),
    plots: drawn.map(({ quantity, specs }) => ({
      title: quantity.title,
      says: `${whose}, after the last epoch: ${lastOf(family, quantity)}`,
      spec: specs[index] ?? null,
    })),
  }));
}

/** What the lines of a plot by epoch end at. */
export function lastOf({ series }: Family, { of }: Quantity): string {
  return series
    .flatMap(({ label, curves }) => {
      const last = curves.flatMap((curve) => of(curve).at(-1) ?? []);
      return last.length === 0 ? [] : [`${label} ${mean(last).toFixed(2)}`];
    })
    .join('; ');
}

/**
 * One quantity of each family, without title and legend; null for families whose runs have it not.
 * All families have one scale, so that their plots can be compared.
 */
export function familySpecs(
  families: readonly Family[],
  quantity: Quantity,
  size: PlotSize,
): (TopLevelSpec | null)[] {
  const domain = domainOf(families, quantity);
  return families.map((family) =>
    domain === null || linesOf(family, quantity).length === 0
      ? null
      : alone(panel(family, quantity, { ...size, domain }), plotMargins),
  );
}

function panel(
  family: Family,
  quantity: Quantity,
  { width, height, domain }: PlotSize & { readonly domain: [number, number] },
): LayerPanel {
  const lines = linesOf(family, quantity);
  const { color, strokeDash } = lineLooks(lines);
  const x = {
    field: 'epoch',
    type: 'quantitative',
    scale: { nice: false },
    axis: { title: 'epoch', tickMinStep: 1, tickCount: 6, grid: false },
  } as const;
  const y = {
    type: 'quantitative',
    scale: { zero: false, nice: true, domain },
    // Labels' widths are only guessed: the title keeps its place whatever they are.
    axis: { title: quantity.axis, tickCount: 5, minExtent: 30, maxExtent: 30 },
  } as const;
  // What is drawn last lies on top: the first of the family, its ++ row.
  const values = [...lines]
    .reverse()
    .flatMap(({ label, epochs }) => epochs.map((epoch) => ({ label, ...epoch })));
  const short = Math.max(...lines.map(({ epochs }) => epochs.length)) < 2;
  return {
    data: { values },
    width,
    height,
    layer: [
      {
        mark: { type: 'area', opacity: 0.15 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      {
        mark: { type: 'line', strokeWidth: 2, point: short },
        encoding: { x, y: { ...y, field: 'value' }, color, strokeDash },
      },
    ],
  };
}

interface Line extends NamedLine {
  readonly epochs: ReturnType<typeof epochsOf>;
}

function linesOf(family: Family, quantity: Quantity): Line[] {
  const lines = family.series.map(({ label, style, curves }) => ({
    label,
    style,
    epochs: epochsOf(curves.map(quantity.of)),
  }));
  const teachers = teachersOf(family, quantity);
  const most = Math.max(0, ...teachers.map(({ length }) => length));
  const longest = teachers.filter(({ length }) => length === most);
  return [
    ...lines,
    ...(longest.length === 0
      ? []
      : [{ label: 'Teacher', style: teacherStyle, epochs: epochsOf(longest) }]),
  ].filter(({ epochs }) => epochs.length > 0);
}

/** The teacher's values beside each run, where it has any. */
function teachersOf({ series }: Family, { ofTeacher }: Quantity): (readonly (number | null)[])[] {
  if (ofTeacher === undefined) return [];
  const values = series.flatMap(({ curves }) => curves.map(ofTeacher));
  return values.some((ofRun) => ofRun.some((value) => value !== null)) ? values : [];
}

/** Mean, smallest and largest of each epoch that all the seeds have reached. */
function epochsOf(seeds: readonly (readonly (number | null)[])[]) {
  const reached = Math.min(...seeds.map(({ length }) => length));
  return Array.from({ length: reached }, (_, index) => ({
    epoch: index + 1,
    values: seeds.flatMap((seed) => seed[index] ?? []),
  }))
    .filter(({ values }) => values.length > 0)
    .map(({ epoch, values }) => ({
      epoch,
      value: mean(values),
      low: Math.min(...values),
      high: Math.max(...values),
    }));
}

function domainOf(families: readonly Family[], quantity: Quantity): [number, number] | null {
  const drawn = families
    .flatMap((family) => linesOf(family, quantity))
    .flatMap(({ epochs }) => epochs.flatMap(({ low, high }) => [low, high]));
  return drawn.length === 0 ? null : [Math.min(...drawn), Math.max(...drawn)];
}
