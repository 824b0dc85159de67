import type { Interval, Summary } from '../../statistics/summary';
import type { Drawing, PlotsBlock } from '../document';
import { capitalised, toFixed2, toSigned2 } from '../numbers';
import { textWidth } from '../pictures/font';
import type { PictureWords } from './by-size';
import { alone, between, ink, palette, pictureWidth, pixelScale, softInk, widened } from './style';

/** A number that was measured, and the paper's beside it. */
export interface PicturedComparison {
  /** `KD++ over KD`. */
  readonly label: string;
  /** The paper's own; its range over its pairs where it has not this one, null where it is not known. */
  readonly paper: number | Interval | null;
  /** Null where it was not run. */
  readonly difference: Summary | null;
}

/** How the comparisons of a picture are drawn and told. */
export interface IntervalsLook {
  readonly axis: string;
  readonly format: Format;
  /** Whether 0 is in the scale, with a line: of differences. */
  readonly zero: boolean;
}

/** A row for each comparison on one axis: seeds, their mean with its interval, the paper's value. */
export function intervalsPicture(
  rows: readonly PicturedComparison[],
  look: IntervalsLook,
  { title, subtitle, file }: PictureWords,
): PlotsBlock {
  const says = rows
    .map(
      ({ label, difference }) =>
        `${label} ${difference === null ? 'not run' : measuredInWords(difference, look.format)}`,
    )
    .join('; ');
  const plot = { title: subtitle, says, spec: intervalsSpec(rows, look) };
  return { kind: 'plots', title, legend: [], file, plots: [plot] };
}

/**
 * A difference as a headline: `ND adds 1.9 points to KD, 95 % 1.2 … 2.6, n = 6`, of `A over B` in general
 * `A: 0.3 points below B, 95 % −3.4 … +2.9, n = 3`. Where the interval holds 0, or there is none, ND neither
 * adds nor takes: `KD++: 0.1 points below KD, 95 % −0.5 … +0.3, n = 6`.
 */
export function headlineOf(label: string, difference: Summary, unit = 'points'): string {
  const { mean } = difference;
  const size = `${Math.abs(mean).toFixed(1)} ${unit}`;
  const [above = label, below] = label.split(' over ');
  const told =
    below === undefined
      ? `${label}: ${signed(mean)} ${unit}`
      : above !== `${below}++` || !isClear(difference)
        ? `${above}: ${size} ${mean < 0 ? 'below' : 'above'} ${below}`
        : mean < 0
          ? `ND takes ${size} from ${below}`
          : `ND adds ${size} to ${below}`;
  return `${capitalised(told)}, ${evidenceOf(difference)}`;
}

/** Whether there is an interval, and 0 is not in it. */
export function isClear({ interval }: Summary): boolean {
  return interval !== null && (interval.low > 0 || interval.high < 0);
}

/** `95 % 1.2 … 2.6, n = 6`: the ends as they stand on the axis, signed where one is below 0. */
export function evidenceOf({ interval, n }: Pick<Summary, 'interval' | 'n'>): string {
  const seeds = `n = ${String(n)}`;
  if (interval === null) return `${seeds}, so no interval`;
  const { low, high } = interval;
  const format = low < 0 ? signed : (value: number): string => value.toFixed(1);
  return `95 % ${format(low)} … ${format(high)}, ${seeds}`;
}

/** With a sign and one decimal; a true minus. */
export function signed(value: number): string {
  const digits = Math.abs(value).toFixed(1);
  return digits === '0.0' ? digits : `${value < 0 ? '−' : '+'}${digits}`;
}

type Format = (value: number) => string;

function measuredInWords({ mean, interval, n }: Summary, format: Format): string {
  const ends = interval === null ? '' : ` (${format(interval.low)} … ${format(interval.high)})`;
  return `${format(mean)}${ends}, n = ${String(n)}`;
}

function endsOf(paper: number | Interval): Interval {
  return typeof paper === 'number' ? { low: paper, high: paper } : paper;
}

/** Of the room beside the axis, in pixels. */
const edge = 16;
const nameLook = { size: 15 };
const numbersLook = { size: 13 };
const roomBelow = 62;
/** Of all rows together, so that no picture is too high. */
const mostHeight = 312;
/** From a row's middle: the paper's line, the interval and the seeds. */
const lanes = { paper: -10, mean: 4, seeds: 13 } as const;

function intervalsSpec(
  rows: readonly PicturedComparison[],
  { axis, format, zero }: IntervalsLook,
): Drawing['spec'] {
  const step = Math.min(50, Math.floor(mostHeight / rows.length));
  const height = step * rows.length;
  const anyRun = rows.some(({ difference }) => difference !== null);
  const placed = rows.map(({ label, ...row }, index) => {
    const y = (index + 0.5) * step;
    return row.difference === null
      ? // Where nothing was run the title says so.
        { ...row, y, label: anyRun ? `${label}, not run` : label, nameY: y, numbers: '' }
      : { ...row, y, label, nameY: y - 8, numbers: measuredInWords(row.difference, format) };
  });
  const names = Math.max(
    ...placed.flatMap(({ label, numbers }) => [
      textWidth(label, nameLook),
      textWidth(numbers, numbersLook),
    ]),
  );
  const left = Math.ceil(edge + names + 18);
  const width = pictureWidth - left - edge - 6;
  const domain = widened([...placed.flatMap(extentOf), ...(zero ? [0] : [])]);
  const titleLines = [axis, caption(rows)].filter((line) => line !== '');
  const x = {
    type: 'quantitative',
    scale: between(domain),
    axis: {
      title: titleLines,
      titleAnchor: 'end',
      titleAlign: 'right',
      titleLineHeight: 18,
      titlePadding: 8,
      tickCount: 6,
      ...(zero && { labelExpr: "datum.value === 0 ? '0' : format(datum.value, '+~g')" }),
    },
  } as const;
  const y = pixelScale('y', height);
  const paper = placed.flatMap(({ paper: printed, ...row }) => {
    if (printed === null) return [];
    const { low, high } = endsOf(printed);
    const ends = [...new Set([low, high])].map(low < 0 ? toSigned2 : toFixed2);
    const text = `paper ${ends.join(' … ')}`;
    // The text stands on the side where there is room for it.
    const share = (high - domain[0]) / (domain[1] - domain[0]);
    const onRight = (1 - share) * width + edge > textWidth(text, numbersLook) + 10;
    return [{ low, high, text, onRight, y: row.y + (row.difference === null ? 0 : lanes.paper) }];
  });
  const means = placed.flatMap(({ difference, y: middle }) =>
    difference === null ? [] : [{ ...difference, y: middle + lanes.mean }],
  );
  const seeds = means.flatMap(({ values, n, y: middle }) =>
    n < 2 ? [] : values.map((value) => ({ value, y: middle - lanes.mean + lanes.seeds })),
  );
  const text = (align: 'left' | 'right', dx: number) =>
    ({ type: 'text', align, baseline: 'middle', dx, fontSize: 13, color: ink }) as const;
  return alone(
    {
      width,
      height,
      layer: [
        {
          data: { values: zero ? [{ zero: 0 }] : [] },
          mark: { type: 'rule', color: palette.grey, strokeWidth: 1.5 },
          encoding: { x: { field: 'zero', ...x } },
        },
        // Under its text the line of 0 is covered.
        ...paper.map(({ low, high, onRight, y: middle, text: printed }) => {
          const way = onRight ? 1 : -1;
          const ends = { xOffset: 5 * way, x2Offset: (9 + textWidth(printed, numbersLook)) * way };
          return {
            data: { values: [{ value: onRight ? high : low, y: middle }] },
            mark: { type: 'rule', color: 'white', strokeWidth: 15, ...ends } as const,
            encoding: { x: { field: 'value', ...x }, x2: { field: 'value' }, y },
          };
        }),
        {
          data: { values: paper },
          mark: { type: 'rule', color: palette.vermilion, strokeWidth: 2 },
          encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y },
        },
        {
          data: {
            values: paper.flatMap(({ low, high, y: middle }) =>
              [...new Set([low, high])].map((value) => ({ value, y: middle })),
            ),
          },
          mark: {
            type: 'point',
            filled: true,
            opacity: 1,
            shape: 'M-0.15,-1H0.15V1H-0.15Z',
            size: 150,
            color: palette.vermilion,
          },
          encoding: { x: { field: 'value', ...x }, y },
        },
        {
          data: { values: paper.filter(({ onRight }) => onRight) },
          mark: text('left', 7),
          encoding: { x: { field: 'high', ...x }, y, text: { field: 'text' } },
        },
        {
          data: { values: paper.filter(({ onRight }) => !onRight) },
          mark: text('right', -7),
          encoding: { x: { field: 'low', ...x }, y, text: { field: 'text' } },
        },
        {
          data: {
            values: means.flatMap(({ interval, y: middle }) =>
              interval === null ? [] : [{ ...interval, y: middle }],
            ),
          },
          mark: { type: 'rule', color: palette.blue, strokeWidth: 3 },
          encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y },
        },
        {
          data: { values: seeds },
          mark: { type: 'point', filled: true, opacity: 1, size: 26, color: palette.grey },
          encoding: { x: { field: 'value', ...x }, y },
        },
        {
          data: { values: means.map(({ mean, y: middle }) => ({ mean, y: middle })) },
          mark: { type: 'point', filled: true, opacity: 1, size: 110, color: palette.blue },
          encoding: { x: { field: 'mean', ...x }, y },
        },
        ...(
          [
            [placed.map((row) => ({ text: row.label, y: row.nameY })), nameLook.size, ink],
            [placed.map((row) => ({ text: row.numbers, y: row.y + 9 })), numbersLook.size, softInk],
          ] as const
        ).map(([values, fontSize, color]) => ({
          data: { values },
          mark: { ...text('left', 0), fontSize, color },
          encoding: { x: { value: edge - left }, y, text: { field: 'text' } },
        })),
      ],
    },
    { left, right: edge + 6, top: 8, bottom: roomBelow },
  );
}

/** What the marks are, in words. */
function caption(rows: readonly PicturedComparison[]): string {
  const measured = rows.flatMap(({ difference }) => difference ?? []);
  const seeds = measured.some(({ n }) => n > 1) ? ['small dots: seeds'] : [];
  const means =
    measured.length === 0
      ? []
      : [
          measured.some(({ interval }) => interval !== null)
            ? 'large dot and bar: mean, 95 %'
            : 'dot: mean',
        ];
  return [...seeds, ...means].join(' · ');
}

function extentOf({ difference, paper }: PicturedComparison): number[] {
  const { low, high } = difference?.interval ?? {};
  const ends = paper === null ? null : endsOf(paper);
  return [...(difference?.values ?? []), low, high, ends?.low, ends?.high].flatMap(
    (value) => value ?? [],
  );
}
