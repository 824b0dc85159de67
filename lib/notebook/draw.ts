import { showPlot } from './plot';

/** Colours that people with any sight of colours tell apart, in the order in which plots take them. */
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const black = '#000000';
const grey = '#888888';

/** One curve of a plot. */
export interface Curve {
  readonly name: string;
  readonly x: readonly (number | string)[];
  readonly y: readonly (number | null)[];
  /** Drawn as a line with its points unless said otherwise. */
  readonly as?: 'line' | 'line and points' | 'points' | 'steps' | 'bars';
  /** Of lines; where it is left out, the second time round the colours. */
  readonly dotted?: boolean;
  readonly color?: string;
  /** At each point upwards and downwards: a deviation. */
  readonly spread?: readonly number[];
  /** Beside each point. */
  readonly texts?: readonly string[];
}

/** What stands around curves. */
export interface CurveOptions {
  /** Above the plot. */
  readonly title: string;
  /** Along the axes. */
  readonly x?: string;
  readonly y?: string;
  /** From where to where the axes go; as far as the curves unless given. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  /** Dotted upright lines at these places. */
  readonly marks?: readonly number[];
  /** Between the ticks of the axis below: 1 for epochs. */
  readonly tick?: number;
  /** Above the names of the curves; of plots beside each other the first one's. */
  readonly legend?: string;
}

/** Draws curves in one plot. */
export async function showCurves(curves: readonly Curve[], options: CurveOptions): Promise<void> {
  await showSideBySide([{ ...options, curves, title: undefined }], options.title);
}

/** One of several plots beside each other. */
export interface CurvePanel extends Omit<CurveOptions, 'title'> {
  readonly title?: string | undefined;
  readonly curves: readonly Curve[];
}

/** Draws plots beside each other; a curve of the same name has the same colour in each. */
export async function showSideBySide(panels: readonly CurvePanel[], title = ''): Promise<void> {
  const names = [...new Set(panels.flatMap(({ curves }) => curves.map(({ name }) => name)))];
  const seen = new Set<string>();
  const data = panels.flatMap(({ curves }, place) =>
    curves.map((curve) => {
      const isFirst = !seen.has(curve.name);
      seen.add(curve.name);
      const index = names.indexOf(curve.name);
      const color = curve.color ?? palette[index % palette.length];
      // The second time round, so that no two look the same.
      const dotted = curve.dotted ?? index >= palette.length;
      return { ...traceOf({ ...curve, dotted }, color), ...axesOf(place), showlegend: isFirst };
    }),
  );
  const isWide = panels.length > 1;
  const [{ legend = '' } = {}] = panels;
  await showPlot({
    data,
    layout: {
      title: { text: title },
      ...panelAxes(panels),
      barmode: 'group',
      legend: { title: { text: legend }, ...(isWide ? { orientation: 'h', y: -0.22 } : {}) },
      showlegend: data.length > 1,
      shapes: panels.flatMap(({ marks = [] }, place) => marks.map((x) => upright(x, place))),
      annotations: panels.flatMap((panel, place) => headingOf(panel.title, place, panels.length)),
      margin: { b: isWide ? 90 : 70 },
    },
  });
}

function traceOf(curve: Curve, color: string | undefined): object {
  const { name, x, y, as = 'line and points', dotted, spread, texts } = curve;
  const deviation =
    spread === undefined ? {} : { error_y: { type: 'data', array: spread, color: grey } };
  if (as === 'bars') {
    const beside = texts === undefined ? {} : { text: texts, textposition: 'outside' };
    return { type: 'bar', name, x, y, ...beside, ...deviation, marker: { color } };
  }
  const isLine = as !== 'points';
  return {
    type: 'scatter',
    mode: [
      ...(isLine ? ['lines'] : []),
      ...(as === 'line' || as === 'steps' ? [] : ['markers']),
      ...(texts === undefined ? [] : ['text']),
    ].join('+'),
    name,
    x,
    y,
    ...(texts === undefined ? {} : { text: texts, textposition: 'middle right' }),
    ...deviation,
    line: {
      color,
      dash: dotted === true ? 'dot' : 'solid',
      shape: as === 'steps' ? 'vh' : 'linear',
    },
    marker: { color, size: isLine ? 6 : 9 },
  };
}

/** Rows of a table as curves: one for each name, in the order in which the names come. */
export function curvesOf<Row>(
  rows: readonly Row[],
  of: {
    readonly name: (row: Row) => string;
    readonly x: (row: Row) => number | string;
    readonly y: (row: Row) => number | null;
  },
): Curve[] {
  const names = [...new Set(rows.map(of.name))];
  return names.map((name) => {
    const own = rows.filter((row) => of.name(row) === name);
    return { name, x: own.map(of.x), y: own.map(of.y) };
  });
}

/** Gives a method and its `++` version one colour, and dots to the one without. */
export function inPairs(curves: readonly Curve[]): Curve[] {
  const baseOf = (name: string): string => name.replace(/\+\+$/u, '');
  const bases = [...new Set(curves.map(({ name }) => baseOf(name)))];
  return curves.map((curve) => ({
    ...curve,
    color: palette[bases.indexOf(baseOf(curve.name)) % palette.length],
    dotted: !curve.name.endsWith('++'),
  }));
}

/** A point of the plane. */
export type Point = readonly [x: number, y: number];

/** Something that is drawn in the plane. */
export interface PlaneMark {
  readonly trace?: object;
  readonly annotation?: object;
}

interface MarkStyle {
  readonly color?: string;
  readonly dotted?: boolean;
  readonly width?: number;
}

function lineMark(
  points: readonly Point[],
  { color = grey, dotted, width = 2 }: MarkStyle,
): PlaneMark {
  return {
    trace: {
      type: 'scatter',
      mode: 'lines',
      x: points.map(([x]) => x),
      y: points.map(([, y]) => y),
      line: { color, dash: dotted === true ? 'dot' : 'solid', width },
    },
  };
}

/** A circle around the origin. */
export function circle(radius: number, style: MarkStyle = { dotted: true }): PlaneMark {
  const angles = Array.from({ length: 121 }, (_, index) => (index * Math.PI) / 60);
  return lineMark(
    angles.map((angle): Point => [radius * Math.cos(angle), radius * Math.sin(angle)]),
    style,
  );
}

/** A straight line between two points. */
export function segment(from: Point, to: Point, style: MarkStyle = {}): PlaneMark {
  return lineMark([from, to], style);
}

/** The way of a point, with a large dot where it begins and a small one where it ends. */
export function path(points: readonly Point[], color?: string): PlaneMark {
  const last = points.length - 1;
  return {
    trace: {
      type: 'scatter',
      mode: 'lines+markers',
      x: points.map(([x]) => x),
      y: points.map(([, y]) => y),
      line: { color },
      marker: { color, size: points.map((_, at) => (at === 0 ? 9 : at === last ? 6 : 0)) },
    },
  };
}

/** An arrow, with a name beside its head. */
export function arrow(
  to: Point,
  {
    from = [0, 0],
    color = black,
    width = 2.5,
    name = '',
  }: MarkStyle & { from?: Point; name?: string } = {},
): PlaneMark[] {
  const [x, y] = to;
  const [ax, ay] = from;
  // Without a size of its own the empty text would keep the tail off its place.
  const drawn = {
    text: '',
    font: { size: 1 },
    showarrow: true,
    arrowhead: 2,
    arrowwidth: width,
    arrowcolor: color,
  };
  return [
    { annotation: { ...drawn, x, y, ax, ay } },
    ...(name === '' ? [] : [label([x + 0.15, y + 0.2], name, color)]),
  ];
}

/** Words at a point. */
export function label([x, y]: Point, text: string, color = black): PlaneMark {
  return { annotation: { x, y, text, showarrow: false, font: { color, size: 14 } } };
}

/** A rectangle between two corners. */
export function rectangle(
  [left, top]: Point,
  [right, bottom]: Point,
  style: MarkStyle = {},
): PlaneMark {
  const corners: Point[] = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
    [left, top],
  ];
  return lineMark(corners, style);
}

/** The values of a function over a square of the plane, dark where they are low. */
export function surface(
  valueAt: (x: number, y: number) => number,
  { half, steps = 40 }: { readonly half: number; readonly steps?: number },
): PlaneMark {
  const places = Array.from({ length: steps + 1 }, (_, at) => half * ((2 * at) / steps - 1));
  const z = places.map((y) => places.map((x) => valueAt(x, y)));
  return {
    trace: {
      type: 'contour',
      x: places,
      y: places,
      z,
      colorscale: [
        [0, '#5fa3d3'],
        [0.5, '#cfe3f3'],
        [1, '#ffffff'],
      ],
      colorbar: { thickness: 20, len: 0.9 },
      line: { width: 0.5 },
    },
  };
}

/** What stands around marks in the plane. */
export interface PlaneOptions {
  readonly title?: string | undefined;
  readonly x?: string;
  readonly y?: string;
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
}

/** One of several pieces of the plane beside each other. */
export interface PlanePanel extends PlaneOptions {
  readonly marks: readonly (PlaneMark | readonly PlaneMark[])[];
}

/** Draws marks in the plane, of which both directions have one scale. */
export async function showPlane(
  marks: PlanePanel['marks'],
  { title, ...options }: PlaneOptions,
): Promise<void> {
  await showPlanes([{ ...options, marks }], title);
}

/** Draws pieces of the plane beside each other. */
export async function showPlanes(panels: readonly PlanePanel[], title = ''): Promise<void> {
  const placed = panels.flatMap(({ marks }, place) =>
    marks.flatMap((mark) => mark).map((mark) => ({ ...mark, place })),
  );
  await showPlot({
    data: placed.flatMap(({ trace, place }) =>
      trace === undefined ? [] : [{ ...trace, ...axesOf(place), showlegend: false }],
    ),
    layout: {
      title: { text: title },
      ...panelAxes(panels, true),
      annotations: [
        ...placed.flatMap(({ annotation, place }) =>
          annotation === undefined ? [] : [{ ...annotation, ...references(annotation, place) }],
        ),
        ...panels.flatMap((panel, place) => headingOf(panel.title, place, panels.length)),
      ],
      height: panels.length === 1 ? 560 : 470,
    },
  });
}

const suffix = (place: number): string => (place === 0 ? '' : String(place + 1));

function axesOf(place: number): { readonly xaxis: string; readonly yaxis: string } {
  return { xaxis: `x${suffix(place)}`, yaxis: `y${suffix(place)}` };
}

/** Which axes a place is counted on; an arrow's tail, where there is one, on the same. */
function references(annotation: object, place: number): object {
  const { xaxis, yaxis } = axesOf(place);
  const head = { xref: xaxis, yref: yaxis };
  return 'ax' in annotation ? { ...head, axref: xaxis, ayref: yaxis } : head;
}

function upright(x: number, place: number): object {
  const { xaxis, yaxis } = axesOf(place);
  const line = { dash: 'dot', color: grey };
  return { type: 'line', x0: x, x1: x, y0: 0, y1: 1, line, xref: xaxis, yref: `${yaxis} domain` };
}

/** The room between two plots, of the whole width. */
const gap = 0.12;

function domainOf(place: number, count: number): [number, number] {
  const width = (1 - gap * (count - 1)) / count;
  return [place * (width + gap), place * (width + gap) + width];
}

function panelAxes(
  panels: readonly (Partial<PlaneOptions> & { readonly tick?: number })[],
  isPlane = false,
): object {
  return Object.fromEntries(
    panels.flatMap(({ x = '', y = '', xRange, yRange, tick }, place) => {
      const { xaxis, yaxis } = axesOf(place);
      const across = {
        title: { text: x },
        domain: domainOf(place, panels.length),
        anchor: yaxis,
        ...(xRange === undefined ? {} : { range: xRange }),
        ...(tick === undefined ? {} : { dtick: tick }),
      };
      const up = {
        title: { text: y },
        anchor: xaxis,
        ...(yRange === undefined ? {} : { range: yRange }),
        ...(isPlane ? { scaleanchor: xaxis, constrain: 'domain' } : {}),
      };
      return [
        [`xaxis${suffix(place)}`, isPlane ? { ...across, constrain: 'domain' } : across],
        [`yaxis${suffix(place)}`, up],
      ];
    }),
  );
}

function headingOf(text: string | undefined, place: number, count: number): object[] {
  if (text === undefined) return [];
  const [from, to] = domainOf(place, count);
  const at = { x: (from + to) / 2, y: 1.02, xref: 'paper', yref: 'paper' };
  const anchors = { xanchor: 'center', yanchor: 'bottom' };
  return [{ ...at, ...anchors, text, showarrow: false, font: { size: 13 } }];
}
