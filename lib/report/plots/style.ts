import type { Config, TopLevelSpec } from 'vega-lite';
import type { LegendEntry, LineStyle } from '../document';

/** Draws a Vega-Lite chart as SVG text, without a browser or a display. */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  // Both are ES modules with a top-level await, which `require` cannot load.
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const { spec: compiled } = vegaLite.compile(spec);
  return rounded(await new vega.View(vega.parse(compiled), { renderer: 'none' }).toSVG());
}

/** A tenth of a pixel is nothing to see, and half of the bytes. */
function rounded(svg: string): string {
  return svg.replace(/ (?:d|transform)="[^"]*"/gu, (attribute) =>
    attribute.replace(/\d+\.\d{2,}/gu, (digits) => String(Number(Number(digits).toFixed(1)))),
  );
}

/** Room around a plotting area, in pixels. */
export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Width and height of a plotting area, in pixels. */
export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

/** Width of a picture that is read on a telephone as well, in pixels. */
export const pictureWidth = 600;

/** Text, and text that matters less. */
export const [ink, softInk] = ['#222', '#555'];

/** The ends of an axis with a little room beside all that is drawn. */
export function widened(values: readonly number[], share = 0.05): [number, number] {
  if (values.length === 0) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high > low ? share * (high - low) : Math.max(1, Math.abs(high) * share);
  return [low - room, high + room];
}

/** The ends of a scale, just so. */
interface FixedScale {
  readonly domain: number[];
  readonly nice: false;
  readonly zero: false;
}

/** A scale from one end to the other. */
export function between([low, high]: readonly [number, number]): FixedScale {
  return { domain: [low, high], nice: false, zero: false };
}

/** Places that are given in pixels from the left or upper edge of the plotting area, without an axis. */
export function pixelScale<Channel extends 'x' | 'y'>(
  channel: Channel,
  length: number,
): {
  readonly field: Channel;
  readonly type: 'quantitative';
  readonly scale: FixedScale;
  readonly axis: null;
} {
  const scale = between(channel === 'x' ? [0, length] : [length, 0]);
  return { field: channel, type: 'quantitative', scale, axis: null };
}

/** A plotting area small enough for a telephone. */
export const plotSize: PlotSize = { width: 286, height: 190 };

/** Room around it for two axes. */
export const plotMargins: Margins = { left: 52, right: 12, top: 8, bottom: 42 };

/** A chart that can stand alone or beside others. */
export type LayerPanel = Extract<
  Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number],
  { layer: unknown }
>;

/**
 * A chart alone, of exactly its plotting area and margins. Without a display the width of text is
 * only guessed, so that a size made to fit the labels comes out too large.
 */
export function alone(panel: LayerPanel, margins: Margins): TopLevelSpec {
  return {
    ...panel,
    // Each mark would speak for itself; the page says in one sentence what the whole chart shows.
    config: { ...plotConfig, aria: false, background: 'transparent' },
    autosize: { type: 'none' },
    padding: { ...margins },
  };
}

/** A line and its name. */
export interface NamedLine {
  readonly label: string;
  readonly style: LineStyle;
}

/** How the marks of a chart come by their place and look: Vega-Lite's own type. */
export type Encoding = NonNullable<
  Extract<LayerPanel['layer'][number], { mark: unknown }>['encoding']
>;

/** Colours and dashes of lines by their `label`, without a legend unless given. */
export function lineLooks(
  lines: readonly NamedLine[],
  legend: Extract<Encoding['strokeDash'], { legend?: unknown }>['legend'] = null,
): Pick<Encoding, 'color' | 'strokeDash'> {
  const named = { field: 'label', type: 'nominal', legend } as const;
  const domain = lines.map(({ label }) => label);
  return {
    color: { ...named, scale: { domain, range: lines.map(({ style }) => style.color) } },
    strokeDash: { ...named, scale: { domain, range: lines.map(({ style }) => [...style.dash]) } },
  };
}

/** What the lines of a plot are. */
export function linesLegend(lines: readonly NamedLine[]): LegendEntry[] {
  return lines.map(({ label, style: { color, dash } }) => ({
    label,
    sample: `<path d="M0 7H34" stroke="${color}" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/>`,
  }));
}

/** Okabe and Ito's palette, told apart with any colour vision; black is kept for text. */
export const palette = {
  blue: '#0072B2',
  vermilion: '#D55E00',
  green: '#009E73',
  purple: '#CC79A7',
  orange: '#E69F00',
  sky: '#56B4E9',
  grey: '#666666',
} as const;

/** The teacher's line where a quantity has one. */
export const teacherStyle: LineStyle = { color: palette.purple, dash: [9, 4] };
/** KD's, which every study compares with. */
export const kdStyle: LineStyle = { color: palette.vermilion, dash: [6, 3] };
/** The student alone. */
export const aloneStyle: LineStyle = { color: palette.grey, dash: [2, 3] };

/** Beside KD's line, and none of them the teacher's purple. */
const otherStyles: readonly LineStyle[] = [
  { color: palette.blue, dash: [1, 0] },
  { color: palette.green, dash: [2, 2] },
  { color: palette.orange, dash: [3, 1] },
  { color: palette.sky, dash: [8, 3, 2, 3] },
  { color: palette.grey, dash: [1, 0] },
];

/** The style of the n-th line that is not KD's. */
export function styleAt(index: number): LineStyle {
  return otherStyles[index % otherStyles.length] ?? kdStyle;
}

/** The same hues for a dark page, where the first ones would be too dim to read. */
export const darkPalette: Readonly<Record<keyof typeof palette, string>> = {
  blue: '#5BB4F0',
  vermilion: '#FF8A4C',
  green: '#3CC79B',
  purple: '#E3A3C9',
  orange: '#F2B53A',
  sky: '#A5D8F5',
  grey: '#A3A9B2',
};

/** Type and lines of all plots: large enough to be read at half size. */
export const plotConfig: Config = {
  background: 'white',
  font: 'system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif',
  padding: 8,
  title: {
    fontSize: 14,
    fontWeight: 600,
    anchor: 'start',
    frame: 'group',
    offset: 8,
    subtitleFontSize: 12,
    subtitleColor: '#444',
  },
  axis: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 400,
    labelColor: '#222',
    titleColor: '#222',
    gridColor: '#e4e4e4',
    domainColor: '#888',
    tickColor: '#888',
    labelLimit: 240,
  },
  legend: {
    labelFontSize: 12,
    labelLimit: 320,
    orient: 'bottom',
    direction: 'vertical',
    title: null,
    symbolOpacity: 1,
    rowPadding: 4,
    columnPadding: 18,
  },
  view: { stroke: null },
};
