import { mean } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { familiesOf, teacherStyle, type Family, type LineStyle } from './families';
import { alone, plotConfig, type LayerPanel, type Margins, type Panel } from './plot-style';
import type { Curve, Table1 } from './table1-model';
import { pairInWords, settingInWords } from './words';

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

/** Width and height of a plotting area, in pixels. */
export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Top-1 by epoch, one panel for each family of methods: the mean over the seeds as a line, and a
 * band from the smallest to the largest of its seeds. Null when no run has an epoch yet.
 *
 * @param size - of one panel; `columns` of them stand beside each other
 */
export function curvesSpec(table: Table1, size: PlotSize, columns: number): TopLevelSpec | null {
  const vconcat = table.groups.flatMap((group) =>
    group.pairs.flatMap((pair): Panel[] => {
      const families = familiesOf(pair);
      const domain = domainOf(families, top1ByEpoch);
      if (domain === null) return [];
      return [
        {
          title: { text: pairInWords(pair), subtitle: settingInWords(group.setting) },
          columns,
          spacing: 24,
          concat: families.map((family) =>
            panel(family, top1ByEpoch, { ...size, domain, title: family.label, legend: true }),
          ),
          resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
        },
      ];
    }),
  );
  return vconcat.length === 0 ? null : { config: plotConfig, vconcat, spacing: 36 };
}

const margins: Margins = { left: 52, right: 12, top: 8, bottom: 42 };

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
      : alone(panel(family, quantity, { ...size, domain, title: null, legend: false }), margins),
  );
}

interface PanelLook extends PlotSize {
  readonly domain: [number, number];
  readonly title: string | null;
  readonly legend: boolean;
}

function panel(
  family: Family,
  quantity: Quantity,
  { width, height, domain, title, legend }: PanelLook,
): LayerPanel {
  const lines = linesOf(family, quantity);
  const names = lines.map(({ label }) => label);
  const keys = legend
    ? { columns: 2, symbolType: 'stroke', symbolSize: 500, symbolStrokeWidth: 2 }
    : null;
  const color = {
    field: 'label',
    type: 'nominal',
    legend: keys,
    scale: { domain: names, range: lines.map(({ style }) => style.color) },
  } as const;
  const strokeDash = {
    field: 'label',
    type: 'nominal',
    legend: keys,
    scale: { domain: names, range: lines.map(({ style }) => [...style.dash]) },
  } as const;
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
    ...(title !== null && { title: { text: title, fontSize: 13 } }),
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

interface Line {
  readonly label: string;
  readonly style: LineStyle;
  readonly epochs: readonly EpochOfSeeds[];
}

interface EpochOfSeeds {
  readonly epoch: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

function linesOf({ series }: Family, { of, ofTeacher }: Quantity): Line[] {
  const lines = series.map(({ label, style, curves }) => ({
    label,
    style,
    epochs: epochsOf(curves.map(of)),
  }));
  const teachers =
    ofTeacher === undefined ? [] : series.flatMap(({ curves }) => curves.map(ofTeacher));
  const longest = teachers.filter((values) => values.length >= longestOf(teachers));
  return [
    ...lines,
    ...(longest.length === 0
      ? []
      : [{ label: 'Teacher', style: teacherStyle, epochs: epochsOf(longest) }]),
  ].filter(({ epochs }) => epochs.length > 0);
}

/** Mean, smallest and largest of each epoch that all the seeds have reached. */
function epochsOf(seeds: readonly (readonly (number | null)[])[]): EpochOfSeeds[] {
  const reached = Math.min(...seeds.map(({ length }) => length));
  return Array.from({ length: reached }, (_, index) => {
    const values = seeds.flatMap((seed) => seed[index] ?? []);
    return values.length === 0
      ? []
      : [
          {
            epoch: index + 1,
            value: mean(values),
            low: Math.min(...values),
            high: Math.max(...values),
          },
        ];
  }).flat();
}

function longestOf(seeds: readonly (readonly unknown[])[]): number {
  return Math.max(0, ...seeds.map(({ length }) => length));
}

function domainOf(families: readonly Family[], quantity: Quantity): [number, number] | null {
  const drawn = families
    .flatMap((family) => linesOf(family, quantity))
    .flatMap(({ epochs }) => epochs.flatMap(({ low, high }) => [low, high]));
  return drawn.length === 0 ? null : [Math.min(...drawn), Math.max(...drawn)];
}
