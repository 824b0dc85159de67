import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { resultsError } from '../../errors';
import { writeAtomic } from '../../files';
import { studyDirectory } from '../../runs/paths';
import { readDetectionRuns } from '../../runs/store';
import { type CsvCell, summaryColumns } from '../csv';
import { oneOfEach, picturesBlock } from '../detection/blocks';
import type { Block, DrawnStudy } from '../study/document';
import { renderStudyHtml } from '../study/html-study';
import { drawStudy, plotSheet } from '../study/plots';
import { renderStudyMarkdown, renderStudyTerminal } from '../study/text-study';
import { type PicturesOf, table3Document } from './document';
import {
  directoryBelow,
  labelOf,
  runsOf,
  type Table3Group,
  table3Group,
  type Table3Pair,
  tableFigures,
} from './model';

/** Table 3 as CSV: one line a cell, all digits, empty where there is no number. */
export function renderTable3Csv(groups: readonly Table3Group[], root: string): string {
  const records = groups.flatMap((group) =>
    group.pairs.flatMap(({ pair, teacher, student, rows }) =>
      rows.map((row): Record<string, CsvCell> => ({
        dataset: group.dataset,
        scale: group.scale,
        data_hash: group.dataHash,
        pair,
        teacher,
        student,
        method: row.method,
        label: row.label,
        paper_AP: row.paper,
        ...Object.assign(
          {},
          ...tableFigures.map((name) => summaryColumns(name, row.measured[name])),
        ),
        ...summaryColumns('gain_over_student', row.overStudent),
        ...summaryColumns('gain_over_base', row.overBase),
        verdict: row.verdict,
        reasons: row.reasons.join('; '),
        run_directories: row.runs.map((run) => directoryBelow(root, run)).join(' '),
      })),
    ),
  );
  return stringify(records, {
    header: true,
    cast: { number: (value) => String(value) },
    ...(records.length > 0 ? {} : { columns: ['dataset'] }),
  });
}

export interface Table3Source {
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /** The folders of runs. */
  readonly folders: readonly string[];
}

export interface WriteTable3Options extends Table3Source {
  /** Whose runs the terminal shows. */
  readonly study: string;
}

/** What was written. */
export interface WrittenTable3 {
  readonly terminal: string;
  /** `table3.md`, `table3.csv`, `table3.html`, `table3.svg`. */
  readonly files: readonly string[];
  /** The asked folder's rows as plain data. */
  readonly json: readonly Table3Group[];
}

/**
 * Renders table 3 from run files alone and writes it as Markdown, CSV, HTML and a sheet of plots, each
 * whole or not at all. The same run files give the same bytes.
 *
 * @throws LabError of kind `results` when there is no run of it or a file of one is broken; nothing is
 * written then.
 */
export async function writeTable3({
  resultsRoot,
  study,
  folders,
}: WriteTable3Options): Promise<WrittenTable3> {
  const own = groupsOf({ resultsRoot, folders: [study] });
  if (own.length === 0) {
    throw resultsError`there is no run of table 3 (${studyDirectory(resultsRoot, study)}). Run npm run reproduce:table3 first, or name another results directory`;
  }
  const groups = groupsOf({ resultsRoot, folders: [...new Set([study, ...folders])].sort() });
  const document = table3Document(groups, resultsRoot, await drawPictures(groups));
  const drawn = await drawStudy(document);
  const contents: [string, string][] = [
    ['table3.md', renderStudyMarkdown(document, 'table3.svg')],
    ['table3.csv', renderTable3Csv(groups, resultsRoot)],
    ['table3.html', renderStudyHtml(drawn)],
    ['table3.svg', plotSheet(drawn)],
  ];
  const files = contents.map(([file, text]) => {
    const path = join(resultsRoot, file);
    writeAtomic(path, text);
    return path;
  });
  return {
    terminal: renderStudyTerminal(table3Document(own, resultsRoot)),
    files,
    json: own,
  };
}

/** The table with its plots, for a page of several; null where no run belongs to it. */
export async function readDrawnTable3(source: Table3Source): Promise<DrawnStudy | null> {
  const groups = groupsOf(source);
  if (groups.length === 0) return null;
  const pictures = await drawPictures(groups);
  return drawStudy(table3Document(groups, source.resultsRoot, pictures));
}

/** Draws what the detectors of each pair found. */
async function drawPictures(groups: readonly Table3Group[]): Promise<PicturesOf> {
  const drawn = new Map<Table3Pair, readonly Block[]>();
  for (const pair of groups.flatMap(({ pairs }) => pairs)) {
    const named = oneOfEach(runsOf(pair)).map((run) => ({
      label: labelOf(run.config.method),
      run,
    }));
    const block = await picturesBlock(named);
    if (block !== null) drawn.set(pair, [block]);
  }
  return (pair) => drawn.get(pair) ?? [];
}

function groupsOf({ resultsRoot, folders }: Table3Source): Table3Group[] {
  return folders.flatMap((folder) => {
    const group = table3Group(folder, readDetectionRuns(resultsRoot, folder));
    return group === null ? [] : [group];
  });
}
