import type { Data, Layout } from 'plotly.js';
import { show } from './display';
import { plotPicture } from './plot-picture';

/** A figure in Plotly's own terms. */
export interface Figure {
  readonly data: readonly Partial<Data>[];
  readonly layout?: Partial<Layout>;
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
 * @throws LabError of kind `engine` when what draws the picture is not installed.
 */
export async function showPlot(figure: Figure): Promise<void> {
  const { data, layout } = prepared(figure);
  const { width, height } = layout;
  const picture = await plotPicture({ data, layout });
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
export function prepared({ data, layout = {} }: Figure): {
  data: Partial<Data>[];
  layout: Partial<Layout> & typeof defaultSize;
} {
  const styled: Partial<Layout> & typeof defaultSize = {
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
  return { data: rounded(data) as Partial<Data>[], layout: rounded(styled) as typeof styled };
}

const axis: Partial<Layout['xaxis']> = {
  gridcolor: '#e5e5e5',
  linecolor: '#444444',
  zerolinecolor: '#bbbbbb',
};

/** Every axis of the layout, and the first two in any case. */
function styledAxes(layout: Partial<Layout>): Partial<Layout> {
  const own = Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/u.test(name));
  const given = { xaxis: {}, yaxis: {}, ...Object.fromEntries(own) };
  return Object.fromEntries(
    Object.entries(given).map(([name, settings]) => [name, { ...axis, ...settings }]),
  );
}

/** A copy as JSON holds it, with typed arrays as plain ones and numbers rounded. */
function rounded(value: unknown): unknown {
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

function titleText({ title }: Partial<Layout>): string {
  const text = typeof title === 'string' ? title : title?.text;
  return text === undefined ? '' : `: ${text}`;
}
