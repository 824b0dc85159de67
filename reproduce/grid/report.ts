import type { ClaimSources } from '../../lib/report/claims/candidates';
import { buildGlance } from '../../lib/report/claims/glance';
import type { DocumentName } from '../../lib/report/document';
import type { StudyDocumentName, StudyGroup } from '../../lib/report/study/model';
import {
  keepPublishedMeans,
  readStudy,
  readStudyGroups,
  type StudySource,
} from '../../lib/report/study/read';
import { readTable1, readTable1Model, type Table1Source } from '../../lib/report/table1/document';
import { readTable3, readTable3Groups, type Table3Source } from '../../lib/report/table3/document';
import { type Report, writeDocument } from '../../lib/report/write';
import type { Rendered } from '../../lib/runs/run-grid';
import { studyNames } from '../../lib/runs/store';
import { studyMethodIds, studyMethods } from '../recipes/studies';
import { isPaperRecipe, table1Methods } from '../recipes/table1';
import type { RenderRequest } from './settings';
import { table2Rows } from './table2-rows';

/** Renders a table or study from the run files and writes it, and the report in which it has a section. */
export async function renderDocument(
  name: DocumentName,
  { resultsRoot, study, classMeansDir }: RenderRequest,
): Promise<Rendered> {
  const report = reportOf(resultsRoot);
  if (classMeansDir !== undefined && (await report.read(name, [study])) !== null) {
    keepPublishedMeans(resultsRoot, classMeansDir);
  }
  return writeDocument(report, { name, folder: study });
}

/** What the claims at a glance are judged on: every table and study of the runs below a results directory. */
export function claimSources(resultsRoot: string): ClaimSources {
  const study = (name: StudyDocumentName): StudyGroup[] =>
    readStudyGroups(studySource(resultsRoot, name));
  return {
    table1: readTable1Model(table1Source(resultsRoot)),
    norm: study('norm'),
    direction: study('direction'),
    ablation: study('ablation'),
    teachers: study('teachers'),
    table2: study('table2'),
    table3: readTable3Groups(table3Source(resultsRoot)),
  };
}

/** All that the runs below a results directory show. */
export function reportOf(resultsRoot: string): Report {
  return {
    resultsRoot,
    glance: () => buildGlance(claimSources(resultsRoot)),
    async read(name, folders) {
      switch (name) {
        case 'table1':
          return readTable1(table1Source(resultsRoot, folders));
        case 'table3':
          return readTable3(table3Source(resultsRoot, folders));
        default:
          return readStudy(studySource(resultsRoot, name, folders));
      }
    },
  };
}

function table1Source(
  resultsRoot: string,
  folders: readonly string[] = studyNames(resultsRoot, 'table1-'),
): Table1Source {
  const methods = table1Methods();
  return {
    resultsRoot,
    folders,
    methods,
    // The studies' own rows have tables of their own.
    omit: new Set(studyMethodIds().filter((method) => !methods.includes(method))),
    isPaperRecipe,
  };
}

function table3Source(
  resultsRoot: string,
  folders: readonly string[] = studyNames(resultsRoot, 'table3-'),
): Table3Source {
  return { resultsRoot, folders };
}

function studySource(
  resultsRoot: string,
  name: StudyDocumentName,
  folders: readonly string[] = studyNames(resultsRoot, name === 'table2' ? 'table2-' : 'table1-'),
): StudySource {
  const methods = name === 'table2' ? table2Rows() : studyMethods[name];
  return { name, resultsRoot, folders, methods };
}
