import type { Summary } from '../../statistics/summary';
import type { Drawing, PlotsBlock } from '../document';
import {
  alone,
  between,
  ink,
  lineLooks,
  type NamedLine,
  palette,
  pictureWidth,
  pixelScale,
  softInk,
  widened,
} from './style';

/** One network of several: its name and what else is said of it, a line each. */
export interface Size {
  readonly name: string;
  readonly facts: readonly string[];
}

/** What was measured with each of the networks; null where nothing was. */
export interface SizeSeries extends NamedLine {
  readonly values: readonly (Summary | null)[];
}

/** Something over networks of growing size. */
export interface BySize {
  readonly sizes: readonly Size[];
  /** Names stand above the marks where there are several. */
  readonly series: readonly SizeSeries[];
  /** What is measured. */
  readonly axis: string;
  readonly digits: number;
}

/** Its title says what it shows, its subtitle what of. */
export interface PictureWords {
  readonly title: string;
  readonly subtitle: string;
  readonly file: string;
}

const height = 250;
const margins = { left: 58, right: 16, top: 10, bottom: 66 };
const width = pictureWidth - margins.left - margins.right;
const lineHeight = 17;
/** From one series to the next at the same size, in pixels. */
const apart = 66;

/** Networks from left to right by size: seeds, their mean with its interval and its number; no line joins them. */
export function sizesPicture(shown: BySize, { title, subtitle, file }: PictureWords): PlotsBlock {
  const { sizes, series, digits } = shown;
  const says = series.map(({ label, values }) => {
    const told = values.map(
      (value, index) => `${sizes[index]?.name ?? ''} ${value?.mean.toFixed(digits) ?? 'not run'}`,
    );
    return `${label}: ${told.join(', ')}`;
  });
  return {
    kind: 'plots',
    title,
    legend: [],
    file,
    plots: [{ title: subtitle, says: says.join('; '), spec: sizesSpec(shown) }],
  };
}

function sizesSpec({ sizes, series, axis, digits }: BySize): Drawing['spec'] {
  const step = width / Math.max(1, sizes.length);
  const dodge = Math.min(apart, step / Math.max(1, series.length));
  const means = series.flatMap(({ label, values }, own) =>
    values.flatMap((value, index) =>
      value === null
        ? []
        : [
            {
              label,
              x: (index + 0.5) * step + (own - (series.length - 1) / 2) * dodge,
              value: value.mean,
              low: value.interval?.low ?? value.mean,
              high: value.interval?.high ?? value.mean,
              values: value.values,
              top: Math.max(value.mean, value.interval?.high ?? -Infinity, ...value.values),
              text: [...(series.length > 1 ? [label] : []), value.mean.toFixed(digits)],
            },
          ],
    ),
  );
  const [low, high] = widened(
    means.flatMap(({ low: from, top, values }) => [from, top, ...values]),
  );
  const along = pixelScale('x', width);
  const up = {
    type: 'quantitative',
    // Above the marks there is room for their numbers.
    scale: between([low, high + (high - low) * 0.25]),
    axis: { title: axis, tickCount: 5, minExtent: 34, maxExtent: 34 },
  } as const;
  const { color } = lineLooks(series);
  const names = sizes.map(({ name, facts }, index) => ({ x: (index + 0.5) * step, name, facts }));
  const text = { type: 'text', align: 'center', baseline: 'top', lineHeight } as const;
  return alone(
    {
      width,
      height,
      layer: [
        {
          data: { values: means },
          mark: { type: 'rule', strokeWidth: 3 },
          encoding: { x: along, y: { ...up, field: 'low' }, y2: { field: 'high' }, color },
        },
        {
          data: {
            values: means.flatMap(({ x, values }) =>
              values.length < 2 ? [] : values.map((value) => ({ x: x + 9, value })),
            ),
          },
          mark: { type: 'point', filled: true, opacity: 1, size: 26, color: palette.grey },
          encoding: { x: along, y: { ...up, field: 'value' } },
        },
        {
          data: { values: means },
          mark: { type: 'point', filled: true, opacity: 1, size: 110 },
          encoding: { x: along, y: { ...up, field: 'value' }, color },
        },
        {
          data: { values: means },
          // Lines go down from the first.
          mark: { ...text, dy: series.length > 1 ? -42 : -25, fontSize: 14, color: ink },
          encoding: { x: along, y: { ...up, field: 'top' }, text: { field: 'text' } },
        },
        {
          data: { values: names },
          mark: { ...text, dy: 10, fontSize: 15, color: ink },
          encoding: { x: along, y: { value: height }, text: { field: 'name' } },
        },
        {
          data: { values: names },
          mark: { ...text, dy: 29, fontSize: 13, color: softInk },
          encoding: { x: along, y: { value: height }, text: { field: 'facts' } },
        },
      ],
    },
    margins,
  );
}
