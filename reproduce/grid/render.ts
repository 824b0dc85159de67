import type { DrawnStudy } from '../../lib/report/study/document';
import { type StudyName, studyNames as namesOfStudies } from '../../lib/report/study/names';
import { readDrawnStudy, writeStudy } from '../../lib/report/study/write-study';
import { readDrawnTable3 } from '../../lib/report/table3/write';
import { type WriteTable1Options, writeReportPage } from '../../lib/report/write-table1';
import { studyNames } from '../../lib/runs/store';
import type { Rendered } from '../../lib/runs/run-grid';
import { studyMethodIds, studyMethods } from '../recipes/studies';
import { isPaperRecipe, table1Methods } from '../recipes/table1';
import type { RenderRequest } from './settings';
import { table2Rows } from './table2-rows';

/** Renders a study from the run files and writes it, and the report in which it has a section. */
export async function renderStudy(name: StudyName, request: RenderRequest): Promise<Rendered> {
  const { resultsRoot, study, all, classMeansDir } = request;
  const { files, terminal, json } = await writeStudy({
    name,
    resultsRoot,
    study,
    folders: all,
    methods: studyMethods[name],
    classMeansDir,
  });
  const report = await writeReportPage({
    ...tableOptions(request),
    studies: await drawnStudies(request),
  });
  return { files: [...files, report], terminal, json };
}

/** What the report is made of. */
export type ReportRequest = Pick<RenderRequest, 'resultsRoot' | 'study' | 'all'>;

/** What table 1 and the report take of the runs that it shares with the studies. */
export function tableOptions({ resultsRoot, study, all }: ReportRequest): WriteTable1Options {
  const own = table1Methods();
  return {
    resultsRoot,
    study,
    others: all,
    methods: own,
    // The studies' own rows have tables of their own.
    omit: new Set(studyMethodIds().filter((method) => !own.includes(method))),
    isPaperRecipe,
  };
}

/** The page that holds everything, where there are runs of table 1 to begin it; its file, or nothing. */
export async function reportPage(resultsRoot: string): Promise<string[]> {
  const all = studyNames(resultsRoot, 'table1-');
  const [study] = all;
  if (study === undefined) return [];
  const request = { resultsRoot, study, all };
  const studies = await drawnStudies(request);
  return [await writeReportPage({ ...tableOptions(request), studies })];
}

/** The studies and the tables 2 and 3 that have runs, drawn for the report. */
export async function drawnStudies({ resultsRoot, all }: ReportRequest): Promise<DrawnStudy[]> {
  const drawn: DrawnStudy[] = [];
  for (const name of namesOfStudies) {
    const found = await readDrawnStudy({
      name,
      resultsRoot,
      folders: all,
      methods: studyMethods[name],
    });
    if (found !== null) drawn.push(found);
  }
  const table2 = await readDrawnStudy({
    name: 'table2',
    resultsRoot,
    folders: studyNames(resultsRoot, 'table2-'),
    methods: table2Rows(),
  });
  if (table2 !== null) drawn.push(table2);
  const table3 = await readDrawnTable3({
    resultsRoot,
    folders: studyNames(resultsRoot, 'table3-'),
  });
  return table3 === null ? drawn : [...drawn, table3];
}
