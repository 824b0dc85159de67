import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { DOMWindow } from 'jsdom';
import type { Data, Layout } from 'plotly.js';
import { LabError } from '../errors';
import { textWidth } from '../pictures/font';
import { installFonts } from './plot-font';
import { pathLength, pointAtLength } from './svg-path';

interface SizedFigure {
  readonly data: Partial<Data>[];
  readonly layout: Partial<Layout> & { readonly width: number; readonly height: number };
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
export async function plotPicture(figure: SizedFigure): Promise<Buffer> {
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

/** Kinds that Plotly paints on a canvas, which there is none of here. */
const painted =
  /^(heatmap|image|histogram2d|.*gl.*|.*3d|surface|mesh|cone|volume|isosurface|.*map)$/u;

function requireDrawable({ data }: SizedFigure): void {
  const kind = data.map(({ type }) => type ?? 'scatter').find((type) => painted.test(type));
  if (kind === undefined) return;
  throw new LabError({
    kind: 'option',
    what: `no static picture can be drawn of a plot of type '${kind}'`,
    where: 'showPlot',
    remedy: 'Use scatter, bar, box, violin, histogram or contour (filled, in place of a heat map)',
  });
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
    throw new LabError(
      {
        kind: 'engine',
        what: `plots need the package ${name.split('/')[0] ?? name}, which is not installed`,
        remedy: 'npm install plotly.js-dist jsdom',
      },
      { cause: error },
    );
  }
}
