import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DOMWindow } from 'jsdom';
import { cacheRoot } from '../engine/cache';
import { engineError, optionError } from '../errors';
import { sha256, writeAtomic } from '../files';
import type { DetectionPicture } from '../report/pictures/detection-picture';
import { fontFolder, textWidth } from '../report/pictures/font';
import { show } from './table';

/** Shows a drawn image with its boxes, and tells in words what is on it. */
export function showPicture({ bytes, mime, width, height, description }: DetectionPicture): void {
  show(
    { [mime]: bytes.toString('base64'), 'text/plain': `[${description}]` },
    { [mime]: { width, height } },
  );
}

let installed = false;

/**
 * Makes the pictures' own fonts the only ones that the drawing of text in this process finds, so that a
 * plot looks the same on every machine, also on one that has none. To be called before any text is drawn.
 */
function installFonts(): void {
  if (installed) return;
  installed = true;
  const fonts = fontFolder();
  const folder = join(cacheRoot(), `fonts-${sha256(fonts).slice(0, 16)}`);
  const configuration = join(folder, 'fonts.conf');
  if (!existsSync(configuration)) {
    writeAtomic(
      configuration,
      `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>${fonts}</dir>
<cachedir>${folder}</cachedir>
</fontconfig>
`,
    );
  }
  process.env['FONTCONFIG_FILE'] = configuration;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Length of an SVG path of straight lines (`M x,y L x,y …`), which is what Plotly's arrows and labels ask. */
function pathLength(path: string): number {
  return segments(path).reduce((sum, { length }) => sum + length, 0);
}

/** The point at a distance along such a path, kept within its ends. */
function pointAtLength(path: string, distance: number): Point {
  let left = Math.max(0, distance);
  let last: Point = { x: 0, y: 0 };
  for (const { from, to, length } of segments(path)) {
    if (left <= length && length > 0) {
      const part = left / length;
      return { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
    }
    left -= length;
    last = to;
  }
  return last;
}

function segments(path: string): { from: Point; to: Point; length: number }[] {
  const numbers = (path.match(/-?\d*\.?\d+(?:e[-+]?\d+)?/giu) ?? []).map(Number);
  const points = Array.from({ length: Math.floor(numbers.length / 2) }, (_, index) => ({
    x: numbers[2 * index] ?? 0,
    y: numbers[2 * index + 1] ?? 0,
  }));
  return points.slice(1).map((to, index) => {
    const from = points[index] ?? to;
    return { from, to, length: Math.hypot(to.x - from.x, to.y - from.y) };
  });
}

/** Settings as Plotly names them. */
type Settings = Readonly<Record<string, unknown>>;

export interface SizedFigure {
  readonly data: readonly Settings[];
  readonly layout: Settings & { readonly width: number; readonly height: number };
}

interface Drawing {
  readonly toImage: (figure: SizedFigure, options: object) => Promise<string>;
}

/** Pixels of the picture for one of the figure: sharp on most screens, and still small. */
const density = 1.5;

let drawing: Promise<Drawing> | undefined;

/**
 * A picture of a Plotly figure, as PNG: drawn by Plotly itself, on a page without a browser. The same
 * fonts on every machine, so the same picture.
 *
 * @throws LabError of kind `engine` when plotly.js-dist or jsdom is not installed.
 */
async function plotPicture(figure: SizedFigure): Promise<Buffer> {
  installFonts();
  drawing ??= loadPlotly();
  const { toImage } = await drawing;
  const { width, height } = figure.layout;
  requireDrawable(figure);
  const options = { format: 'svg', width, height, imageDataOnly: true };
  const svg = await toImage(structuredClone(figure), options);
  // After the fonts: sharp reads where they lie once, when it is loaded.
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(svg), { density: 72 * density })
    .flatten({ background: 'white' })
    .png({ compressionLevel: 9, palette: true, colours: 64 })
    .toBuffer();
}

/** Kinds that Plotly paints on a canvas, which there is none of here, or on a map that it fetches. */
const painted =
  /^(heatmap|image|histogram2d|parcoords|.*gl.*|.*3d|surface|mesh|cone|volume|isosurface|.*map|.*mapbox|choropleth|scattergeo)$/u;

function requireDrawable({ data }: SizedFigure): void {
  const kind = data.map(({ type }) => String(type ?? 'scatter')).find((type) => painted.test(type));
  if (kind === undefined) return;
  throw optionError`no static picture can be drawn of a plot of type '${kind}' (showPlot). Use scatter, bar, box, violin, histogram or contour (filled, in place of a heat map)`;
}

async function loadPlotly(): Promise<Drawing> {
  const source = readFileSync(resolvePackage('plotly.js-dist/plotly.js'), 'utf8');
  resolvePackage('jsdom');
  const { JSDOM, VirtualConsole } = await import('jsdom');
  const { window } = new JSDOM('<!doctype html><body></body>', {
    runScripts: 'outside-only',
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(),
  });
  supplyWhatIsMissing(window);
  window.eval(source);
  return window['Plotly'] as Drawing;
}

/** What Plotly asks of a browser while it draws, and this page without one lacks. */
function supplyWhatIsMissing(window: DOMWindow): void {
  const text = (element: Element): { width: number; height: number; size: number } => {
    const size = parseFloat(nearestStyle(element, 'fontSize')) || 12;
    const isBold = /bold|[6-9]00/u.test(nearestStyle(element, 'fontWeight'));
    const lines = [...element.querySelectorAll('tspan.line')].map((line) => line.textContent ?? '');
    const texts = lines.length > 0 ? lines : [element.textContent ?? ''];
    const width = Math.max(...texts.map((line) => textWidth(line, { size, isBold })));
    return { width, height: texts.length * size * 1.2, size };
  };
  const box = function (this: Element): object {
    const { width, height, size } = text(this);
    const left = -width * partBefore(this.getAttribute('text-anchor'));
    return {
      x: left,
      y: -size,
      width,
      height,
      left,
      top: -size,
      right: left + width,
      bottom: height - size,
    };
  };
  Object.assign(window.SVGElement.prototype, {
    getBBox: box,
    getBoundingClientRect: box,
    getComputedTextLength(this: Element): number {
      return text(this).width;
    },
    getTotalLength(this: Element): number {
      return pathLength(this.getAttribute('d') ?? '');
    },
    getPointAtLength(this: Element, distance: number): object {
      return pointAtLength(this.getAttribute('d') ?? '', distance);
    },
  });
  Object.assign(window.URL, {
    createObjectURL: () => 'blob:none',
    revokeObjectURL: () => undefined,
  });
  Object.assign(window, {
    TextDecoder,
    TextEncoder,
    structuredClone,
    matchMedia: () => ({ matches: false, addListener: () => undefined }),
    // Plotly writes what matters on the elements themselves; to work through style sheets takes seconds.
    getComputedStyle: (element: HTMLElement) => element.style,
  });
}

/** The part of a text that is left of where it is put. */
function partBefore(anchor: string | null): number {
  if (anchor === 'middle') return 0.5;
  return anchor === 'end' ? 1 : 0;
}

function nearestStyle(element: Element, name: 'fontSize' | 'fontWeight'): string {
  for (let at: Element | null = element; at !== null; at = at.parentElement) {
    const style: unknown = Reflect.get(at, 'style');
    const value: unknown = typeof style === 'object' && style !== null && Reflect.get(style, name);
    if (typeof value === 'string' && value !== '') return value;
  }
  return '';
}

function resolvePackage(name: string): string {
  try {
    return createRequire(__filename).resolve(name);
  } catch (error) {
    throw engineError.because(
      error,
    )`plots need the package ${name.split('/')[0] ?? name}, which is not installed. npm install plotly.js-dist jsdom`;
  }
}

/** A figure in Plotly's own terms, of which `@types/plotly.js` has the types (`Data`, `Layout`). */
export interface Figure {
  readonly data: readonly object[];
  readonly layout?: object;
}

/** Curves are read to a few digits; the rest would make notebooks large and every rerun a change. */
const significantDigits = 6;
const defaultSize = { width: 760, height: 420 };

/**
 * Shows an interactive Plotly figure with a static picture of it inside: JupyterLab with Plotly's renderer
 * draws it interactively; a code host, or a JupyterLab without it, shows the picture. Nothing is asked of
 * the network.
 *
 * Numbers are rounded to six significant digits. Width and height are those of the layout, or 760 × 420.
 *
 * @throws LabError of kind `engine` when what draws the picture is not installed, `option` for a kind of plot
 *   that cannot be drawn without a browser or a network.
 */
export async function showPlot(figure: Figure): Promise<void> {
  const sized = prepared(figure);
  const { data, layout } = sized;
  const { width, height } = layout;
  const picture = await plotPicture(sized);
  show(
    {
      'application/vnd.plotly.v1+json': { data, layout, config: { responsive: true } },
      'image/png': picture.toString('base64'),
      'text/plain': `[Plotly figure${titleText(layout)}]`,
    },
    { 'image/png': { width, height } },
  );
}

/** The figure with the laboratory's defaults and rounded numbers. */
function prepared({ data, layout = {} }: Figure): SizedFigure {
  const styled = {
    template: {},
    font: { family: 'DejaVu Sans, Verdana, sans-serif', size: 12 },
    paper_bgcolor: 'white',
    plot_bgcolor: 'white',
    colorway: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'],
    margin: { l: 70, r: 30, t: 60, b: 60 },
    ...defaultSize,
    ...layout,
    ...styledAxes(layout),
  };
  // Rounding changes no form.
  return { data: rounded(data) as Settings[], layout: rounded(styled) as typeof styled };
}

const axis = {
  gridcolor: '#e5e5e5',
  linecolor: '#444444',
  zerolinecolor: '#bbbbbb',
};

/** Every axis of the layout, and the first two in any case. */
function styledAxes(layout: object): object {
  const own = Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/u.test(name));
  const given: Record<string, object> = { xaxis: {}, yaxis: {}, ...Object.fromEntries(own) };
  return Object.fromEntries(
    Object.entries(given).map(([name, settings]) => [name, { ...axis, ...settings }]),
  );
}

/** A copy as JSON holds it, with typed arrays as plain ones, dates as texts and numbers rounded. */
function rounded(value: unknown): unknown {
  if (value instanceof Date) return value.toJSON();
  if (typeof value === 'number') {
    return Number.isFinite(value) ? Number(value.toPrecision(significantDigits)) : null;
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return Array.from(value as unknown as ArrayLike<number>, rounded);
  }
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([key, member]) => [key, rounded(member)]),
    );
  }
  return value;
}

function titleText({ title }: Settings): string {
  const text: unknown =
    typeof title === 'object' && title !== null ? Reflect.get(title, 'text') : title;
  return typeof text === 'string' ? `: ${text}` : '';
}
