import { join } from 'node:path';
import { LabError } from '../errors';
import { writeAtomic } from '../files';
import { studyDirectory } from '../results/paths';
import type { RunConfig } from '../results/schema';
import { readRuns, type Run } from '../results/store';
import { renderCsv } from './csv';
import { curvesSpec, pairCurvesSpec } from './curves-plot';
import { gainsSpec, pairGainsSpec } from './gains-plot';
import { renderHtml, type PairPlots } from './html';
import { renderMarkdown } from './markdown';
import { renderSvg } from './svg';
import { buildTable1 } from './table1';
import type { Table1 } from './table1-model';
import { renderTerminal } from './terminal';

/** Width of the plotting area of a plot file, and of a plot in the page, which a telephone shows. */
const filePlotWidth = 520;
const pagePlotWidth = 290;

/** Where the runs are and where the table goes. */
export interface WriteTable1Options {
  /** The results directory: runs are read below it. `results` in the current directory by default. */
  readonly resultsRoot?: string;
  /** Which study's runs; `table1` by default. */
  readonly study?: string;
  /** Other studies whose tables stand in the files too; the terminal shows `study` alone. */
  readonly others?: readonly string[];
  /** Where the files go: the results directory by default. */
  readonly outputs?: string;
  /** The files' name without its ending: `table1` by default. */
  readonly name?: string;
  /** Methods that get a row even when no run has them. */
  readonly methods?: readonly string[];
  /** Whether a run's recipe is the paper's own; by its scale alone where nothing is said. */
  readonly isPaperRecipe?: (config: RunConfig) => boolean;
  /** Colours in the terminal's text: on a terminal by default. */
  readonly color?: boolean;
}

/** What was written. */
export interface WrittenTable1 {
  /** The table for the terminal. */
  readonly terminal: string;
  /** `NAME.md`, `NAME.csv`, `NAME.html`, `NAME.svg`, `NAME-curves.svg`. */
  readonly files: readonly string[];
  /** The same as plain data. */
  readonly json: Table1;
}

/**
 * Renders table 1 from run files alone and writes it as Markdown, CSV, HTML and two plots, each
 * whole or not at all. The same run files give the same bytes.
 *
 * @throws LabError of kind `results` when there is no run, a file of one is broken, or the seeds of
 * one cell were run with different recipes; nothing is written then.
 */
export async function writeTable1({
  resultsRoot = 'results',
  study = 'table1',
  others = [],
  outputs = resultsRoot,
  name = 'table1',
  methods = [],
  isPaperRecipe,
  color,
}: WriteTable1Options = {}): Promise<WrittenTable1> {
  const runs = readRuns(resultsRoot, study);
  if (runs.length === 0) {
    throw new LabError({
      kind: 'results',
      what: `there is no run of the study '${study}'`,
      where: studyDirectory(resultsRoot, study),
      remedy: 'Run npm run reproduce:table1 first, or name another results directory',
    });
  }
  const build = (of: readonly Run[]): Table1 =>
    buildTable1({
      study,
      runs: of,
      root: resultsRoot,
      methods,
      ...(isPaperRecipe && { isPaperRecipe }),
    });
  const own = build(runs);
  const table = build([
    ...runs,
    ...others.filter((name) => name !== study).flatMap((name) => readRuns(resultsRoot, name)),
  ]);
  const gains = await draw(gainsSpec(table, filePlotWidth));
  const curves = await draw(curvesSpec(table, filePlotWidth));
  const plots = { gains: `${name}.svg`, curves: `${name}-curves.svg` };
  const contents: [string, string][] = [
    [`${name}.md`, renderMarkdown(table, plots)],
    [`${name}.csv`, renderCsv(table)],
    [`${name}.html`, renderHtml(table, await pagePlots(table))],
    [plots.gains, gains ?? emptyPlot],
    [plots.curves, curves ?? emptyPlot],
  ];
  const files = contents.map(([file, text]) => {
    const path = join(outputs, file);
    writeAtomic(path, text);
    return path;
  });
  return {
    terminal: renderTerminal(own, color === undefined ? {} : { color }),
    files,
    json: own,
  };
}

// Without a finished run there is nothing to draw, and an old plot must not stay beside a new table.
const emptyPlot =
  '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="40" viewBox="0 0 320 40"><text x="10" y="25" font-family="sans-serif" font-size="14">No finished runs to draw yet</text></svg>';

async function pagePlots(table: Table1): Promise<PairPlots[][]> {
  const plots: PairPlots[][] = [];
  for (const { pairs } of table.groups) {
    const ofGroup: PairPlots[] = [];
    for (const pair of pairs) {
      ofGroup.push({
        gains: await draw(pairGainsSpec(pair, pagePlotWidth)),
        curves: await draw(pairCurvesSpec(pair, pagePlotWidth)),
      });
    }
    plots.push(ofGroup);
  }
  return plots;
}

async function draw(spec: Parameters<typeof renderSvg>[0] | null): Promise<string | null> {
  return spec === null ? null : renderSvg(spec);
}
