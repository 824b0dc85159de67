import type { Config, TopLevelSpec } from 'vega-lite';

/** One chart of several that stand below each other. */
export type Panel = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number];

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

/** Type and lines of all plots: large enough to be read at half size. */
export const plotConfig: Config = {
  background: 'white',
  font: 'system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif',
  padding: 8,
  title: {
    fontSize: 14,
    fontWeight: 600,
    anchor: 'start',
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
