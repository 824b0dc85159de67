import type { TopLevelSpec } from 'vega-lite';

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
