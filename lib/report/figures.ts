import type { TopLevelSpec } from 'vega-lite';
import { accuracyRows, pairAccuracySpec } from './accuracy-plot';
import {
  cosineByEpoch,
  familySpecs,
  normByEpoch,
  type PlotSize,
  type Quantity,
  top1ByEpoch,
} from './curves-plot';
import { familiesOf, type Family } from './families';
import { pairGainsPlots } from './gains-plot';
import { type IntervalRow, type MarkKind, marksOf } from './interval-panel';
import { renderSvg } from './plot-style';
import type { Table1, Table1Pair } from './table1-model';
import { pairInWords, plain, range, signed } from './words';

/** Plotting areas in a page, small enough for a telephone. */
const barsWidth = 214;
const curvesSize: PlotSize = { width: 286, height: 190 };

/** A drawn plot. */
export interface Figure {
  readonly title: string;
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly svg: string;
}

/** One family's plots by epoch. */
export interface FamilyFigures {
  readonly family: Family;
  /** Whether the teacher has a line too. */
  readonly teacher: boolean;
  readonly figures: readonly Figure[];
}

/** The plots of one pair. */
export interface PairFigures {
  /** Accuracy and gains, with intervals. */
  readonly bars: readonly Figure[];
  /** The kinds of marks in them. */
  readonly marks: ReadonlySet<MarkKind>;
  readonly families: readonly FamilyFigures[];
}

/** Draws the plots of all pairs of a table for a page: by group, then by pair, in the table's order. */
export async function drawFigures(table: Table1): Promise<PairFigures[][]> {
  const figures: PairFigures[][] = [];
  for (const { pairs } of table.groups) {
    const ofGroup: PairFigures[] = [];
    for (const pair of pairs) ofGroup.push(await drawPair(pair));
    figures.push(ofGroup);
  }
  return figures;
}

async function drawPair(pair: Table1Pair): Promise<PairFigures> {
  const accuracy = accuracyRows(pair);
  const gains = pairGainsPlots(pair, barsWidth);
  const bars = await drawAll([
    {
      title: 'Top-1 after the last epoch',
      says: says(accuracy, plain),
      spec: pairAccuracySpec(pair, barsWidth),
    },
    ...gains.map(({ title, rows, spec }) => ({ title, says: says(rows, signed), spec })),
  ]);
  return {
    bars,
    marks: marksOf([...accuracy, ...gains.flatMap(({ rows }) => rows)]),
    families: await drawFamilies(pair),
  };

  function says(rows: readonly IntervalRow[], write: (value: number) => string): string {
    return `${pairInWords(pair)}: ${intervalsInWords(rows, write)}`;
  }
}

/** What a plot of intervals shows. */
export function intervalsInWords(
  rows: readonly IntervalRow[],
  write: (value: number) => string,
): string {
  return rows
    .map(({ label, measured: { mean, interval } }) =>
      [label, write(mean), ...(interval === null ? [] : [`(${range(interval, write)})`])].join(' '),
    )
    .join('; ');
}

async function drawFamilies(pair: Table1Pair): Promise<FamilyFigures[]> {
  const families = familiesOf(pair);
  const quantities = [top1ByEpoch, normByEpoch, cosineByEpoch].map((quantity) => ({
    quantity,
    specs: familySpecs(families, quantity, curvesSize),
  }));
  const drawn: FamilyFigures[] = [];
  for (const [index, family] of families.entries()) {
    const figures = await drawAll(
      quantities.map(({ quantity, specs }) => ({
        title: quantity.title,
        says: `${pairInWords(pair)}, after the last epoch: ${lastOf(family, quantity)}`,
        spec: specs[index] ?? null,
      })),
    );
    const norms = family.series.flatMap(({ curves }) => curves.flatMap((c) => c.teacherNorm));
    drawn.push({ family, teacher: norms.some((norm) => norm !== null), figures });
  }
  return drawn;
}

/** A plot to be drawn. */
export interface Drawing {
  readonly title: string;
  readonly says: string;
  readonly spec: TopLevelSpec | null;
}

/** Draws those that have something to show. */
export async function drawAll(drawings: readonly Drawing[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { title, says, spec } of drawings) {
    if (spec === null) continue;
    figures.push({ title, label: `${title}. ${says}.`, svg: await renderSvg(spec) });
  }
  return figures;
}

/** What the lines of a plot by epoch end at. */
export function lastOf({ series }: Family, { of }: Quantity): string {
  return series
    .flatMap(({ label, curves }) => {
      const last = curves.flatMap((curve) => of(curve).at(-1) ?? []);
      const sum = last.reduce((total, value) => total + value, 0);
      return last.length === 0 ? [] : [`${label} ${(sum / last.length).toFixed(2)}`];
    })
    .join('; ');
}
