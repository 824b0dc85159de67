import { join } from 'node:path';
import { resultsError } from '../errors';
import { writeAtomic } from '../files';
import { studyDirectory } from '../runs/paths';
import type { RunConfig } from '../runs/schema';
import { readRuns, type Run } from '../runs/store';
import { renderCsv } from './csv';
import { curvesSpec } from './curves-plot';
import { drawFigures } from './figures';
import { gainsSpec } from './gains-plot';
import { renderHtml } from './html';
import { renderMarkdown } from './markdown';
import { renderSvg } from './plot-style';
import { renderReport } from './report-page';
import type { DrawnStudy } from './study/document';
import { buildTable1 } from './table1';
import type { Table1 } from './table1-model';
import { renderTerminal } from './terminal';

/** Plotting areas of the plot files: a panel of gains, and one family's curves of two side by side. */
const gainsWidth = 520;
const curvesSize = { width: 290, height: 190 };
const curvesColumns = 2;

/** The page that holds everything. */
const reportFile = 'REPORT.html';

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
  /** Methods whose runs are no rows of this table. */
  readonly omit?: ReadonlySet<string>;
  /** Whether a run's recipe is the paper's own; by its scale alone where nothing is said. */
  readonly isPaperRecipe?: (config: RunConfig) => boolean;
  /** Whether `REPORT.html`, the page with all the evidence, is written too: true by default. */
  readonly writeReport?: boolean;
  /** Studies that have sections of their own in that page. */
  readonly studies?: readonly DrawnStudy[];
  /** Colours in the terminal's text: on a terminal by default. */
  readonly color?: boolean;
}

/** What was written. */
export interface WrittenTable1 {
  /** The table for the terminal. */
  readonly terminal: string;
  /** `NAME.md`, `NAME.csv`, `NAME.html`, `NAME.svg`, `NAME-curves.svg`, `REPORT.html`. */
  readonly files: readonly string[];
  /** The same as plain data. */
  readonly json: Table1;
}

/**
 * Renders table 1 from run files alone and writes it as Markdown, CSV, HTML, two plots and a report
 * of everything behind it, each whole or not at all. The same run files give the same bytes.
 *
 * @throws LabError of kind `results` when there is no run, a file of one is broken, or the seeds of
 * one cell were run with different recipes; nothing is written then.
 */
export async function writeTable1(options: WriteTable1Options = {}): Promise<WrittenTable1> {
  const { resultsRoot = 'results', study = 'table1', name = 'table1' } = options;
  const { outputs = resultsRoot, writeReport = true, studies = [], color } = options;
  const { own, table } = readTable1(options);
  if (own.groups.length === 0) {
    throw resultsError`there is no run of the study '${study}' (${studyDirectory(resultsRoot, study)}). Run npm run reproduce:table1 first, or name another results directory`;
  }
  const gains = await draw(gainsSpec(table, gainsWidth));
  const curves = await draw(curvesSpec(table, curvesSize, curvesColumns));
  const plots = { gains: `${name}.svg`, curves: `${name}-curves.svg` };
  const figures = await drawFigures(table);
  const contents: [string, string][] = [
    [`${name}.md`, renderMarkdown(table, plots)],
    [`${name}.csv`, renderCsv(table)],
    [`${name}.html`, renderHtml(table, figures)],
    [plots.gains, gains ?? emptyPlot],
    [plots.curves, curves ?? emptyPlot],
    ...(writeReport
      ? [[reportFile, renderReport(table, figures, studies)] satisfies [string, string]]
      : []),
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

/**
 * Writes the report alone, from table 1's runs and the studies that are given: what a study does after
 * its own files. Returns the file.
 */
export async function writeReportPage(options: WriteTable1Options): Promise<string> {
  const { resultsRoot = 'results', outputs = resultsRoot, studies = [] } = options;
  const { table } = readTable1(options);
  const path = join(outputs, reportFile);
  writeAtomic(path, renderReport(table, await drawFigures(table), studies));
  return path;
}

/** The table of the study alone, and the one with the others' runs beside. */
function readTable1({
  resultsRoot = 'results',
  study = 'table1',
  others = [],
  methods = [],
  omit = new Set(),
  isPaperRecipe,
}: WriteTable1Options): { own: Table1; table: Table1 } {
  const read = (of: string): Run[] =>
    readRuns(resultsRoot, of).filter(({ config }) => !omit.has(config.method));
  const build = (of: readonly Run[]): Table1 =>
    buildTable1({
      study,
      runs: of,
      root: resultsRoot,
      methods,
      ...(isPaperRecipe && { isPaperRecipe }),
    });
  const runs = read(study);
  const own = build(runs);
  const more = others.filter((other) => other !== study);
  return { own, table: more.length === 0 ? own : build([...runs, ...more.flatMap(read)]) };
}

// Without a finished run there is nothing to draw, and an old plot must not stay beside a new table.
const emptyPlot =
  '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="40" viewBox="0 0 320 40"><text x="10" y="25" font-family="sans-serif" font-size="14">No finished runs to draw yet</text></svg>';

async function draw(spec: Parameters<typeof renderSvg>[0] | null): Promise<string | null> {
  return spec === null ? null : renderSvg(spec);
}
