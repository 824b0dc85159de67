import { mean } from 'simple-statistics';
import type { Curve } from '../curves';
import type { Drawing, PlotsBlock } from '../document';
import { count } from '../numbers';
import type { PictureWords } from './by-size';
import { alone, between, ink, lineLooks, type NamedLine, teacherStyle, widened } from './style';

/** The runs of one method, drawn as one line in a band over its seeds. */
export interface Series extends NamedLine {
  readonly curves: readonly Curve[];
}

/** Something that each run has after each epoch. */
interface Quantity {
  readonly title: string;
  readonly digits: number;
  readonly of: (curve: Curve) => readonly (number | null)[];
  /** The teacher's value of the same, where it has one. */
  readonly ofTeacher?: (curve: Curve) => readonly (number | null)[];
}

const quantities: readonly Quantity[] = [
  { title: 'Top-1 (%)', digits: 1, of: ({ top1 }) => top1 },
  {
    title: 'Norm of the features',
    digits: 1,
    of: ({ studentNorm }) => studentNorm,
    ofTeacher: ({ teacherNorm }) => teacherNorm,
  },
  { title: 'Cosine to the class mean', digits: 2, of: ({ cosine }) => cosine },
];

const margins = { left: 46, right: 70, top: 10, bottom: 46 };
const [width, height] = [164, 230];
/** From one line's name to the next, at least, in pixels. */
const nameStep = 17;

/** What stands around curves by epoch, and whether their last values are told; those of runs under way are not. */
export interface EpochsWords extends Omit<PictureWords, 'file'> {
  /** Where it is a file as well. */
  readonly file?: string;
  readonly tellsEnds?: boolean;
}

/**
 * Top-1, norm and cosine by epoch beside each other: the mean over the seeds as a line, a band from the
 * smallest to the largest, each line with its name at its end.
 */
export function epochsPicture(
  series: readonly Series[],
  { title, subtitle, file, tellsEnds = true }: EpochsWords,
): PlotsBlock {
  const [first] = quantities;
  return {
    kind: 'plots',
    title,
    note: subtitle,
    legend: [],
    ...(file === undefined ? {} : { file }),
    plots: quantities.map((quantity) => {
      const lines = linesOf(series, quantity);
      const says = lines.map(({ label, epochs }) =>
        tellsEnds
          ? `${label} ${epochs.at(-1)?.value.toFixed(quantity.digits) ?? ''}`
          : `${label} over ${count(epochs.length, 'epoch')}`,
      );
      return {
        title: quantity.title,
        says: [
          ...(quantity === first ? [subtitle] : []),
          `${tellsEnds ? 'After the last epoch: ' : ''}${says.join('; ')}`,
        ].join('. '),
        spec: lines.length === 0 ? null : panel(lines),
      };
    }),
  };
}

/** What a line ends at: the mean over the seeds of the last epoch. */
export function lastOf(curves: readonly Curve[], of: Quantity['of']): number | null {
  const last = curves.flatMap((curve) => of(curve).at(-1) ?? []);
  return last.length === 0 ? null : mean(last);
}

interface Line extends NamedLine {
  readonly epochs: ReturnType<typeof epochsOf>;
}

function panel(lines: readonly Line[]): Drawing['spec'] {
  const { color, strokeDash } = lineLooks(lines);
  const drawn = lines.flatMap(({ epochs }) => epochs.flatMap(({ low, high }) => [low, high]));
  const domain = widened(drawn);
  const last = Math.max(...lines.map(({ epochs }) => epochs.length));
  const x = {
    field: 'epoch',
    type: 'quantitative',
    scale: between([Math.min(1, last - 1), last]),
    axis: { title: 'epoch', tickMinStep: 1, tickCount: 4, grid: false, labelFontSize: 14 },
  } as const;
  const y = {
    type: 'quantitative',
    scale: between(domain),
    axis: { title: null, tickCount: 5, labelFontSize: 14 },
  } as const;
  // What is drawn last lies on top: the first.
  const values = [...lines]
    .reverse()
    .flatMap(({ label, epochs }) => epochs.map((epoch) => ({ label, ...epoch })));
  return alone(
    {
      data: { values },
      width,
      height,
      layer: [
        {
          mark: { type: 'area', opacity: 0.18 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
        },
        {
          mark: { type: 'line', strokeWidth: 2.5, point: last < 2 },
          encoding: { x, y: { ...y, field: 'value' }, color, strokeDash },
        },
        {
          data: { values: namesOf(lines, domain) },
          mark: {
            type: 'text',
            align: 'left',
            baseline: 'middle',
            dx: 6,
            fontSize: 14,
            color: ink,
          },
          encoding: { x, y: { ...y, field: 'at' }, text: { field: 'label' } },
        },
      ],
    },
    margins,
  );
}

/** Where each line's name stands: at its end, or as far below the name above it as needed. */
function namesOf(lines: readonly Line[], [low, high]: readonly [number, number]) {
  const unit = (high - low) / height;
  let above = Infinity;
  const placed = lines
    .flatMap(({ label, epochs }) => {
      const end = epochs.at(-1);
      return end === undefined ? [] : [{ label, epoch: end.epoch, at: end.value }];
    })
    .sort((a, b) => b.at - a.at)
    .map((name) => {
      above = Math.min(name.at, above - nameStep * unit);
      return { ...name, at: above };
    });
  // Names that were pushed out below come back together.
  const lift = Math.max(0, low + (nameStep / 2) * unit - above);
  return placed.map((name) => ({ ...name, at: name.at + lift }));
}

function linesOf(series: readonly Series[], quantity: Quantity): Line[] {
  const lines = series.map(({ label, style, curves }) => ({
    label,
    style,
    epochs: epochsOf(curves.map(quantity.of)),
  }));
  const { ofTeacher } = quantity;
  const teachers =
    ofTeacher === undefined ? [] : series.flatMap(({ curves }) => curves.map(ofTeacher));
  const seen = teachers.filter((values) => values.some((value) => value !== null));
  return [
    ...lines,
    ...(seen.length === 0
      ? []
      : [{ label: 'teacher', style: teacherStyle, epochs: epochsOf(seen) }]),
  ].filter(({ epochs }) => epochs.length > 0);
}

/** Mean, smallest and largest of each epoch that all the seeds have reached. */
function epochsOf(seeds: readonly (readonly (number | null)[])[]) {
  const reached = Math.min(...seeds.map(({ length }) => length));
  return Array.from({ length: Number.isFinite(reached) ? reached : 0 }, (_, index) => ({
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
