import type { DocumentName } from '../../lib/report/document';
import { keepPublishedMeans, readStudy } from '../../lib/report/study/read';
import { readTable1 } from '../../lib/report/table1/document';
import { readTable3 } from '../../lib/report/table3/document';
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

/** All that the runs below a results directory show. */
export function reportOf(resultsRoot: string): Report {
  const foldersOf = (prefix: string): string[] => studyNames(resultsRoot, prefix);
  return {
    resultsRoot,
    async read(name, folders) {
      switch (name) {
        case 'table1': {
          const methods = table1Methods();
          return readTable1({
            resultsRoot,
            folders: folders ?? foldersOf('table1-'),
            methods,
            // The studies' own rows have tables of their own.
            omit: new Set(studyMethodIds().filter((method) => !methods.includes(method))),
            isPaperRecipe,
          });
        }
        case 'table2':
          return readStudy({
            name,
            resultsRoot,
            folders: folders ?? foldersOf('table2-'),
            methods: table2Rows(),
          });
        case 'table3':
          return readTable3({ resultsRoot, folders: folders ?? foldersOf('table3-') });
        default:
          return readStudy({
            name,
            resultsRoot,
            folders: folders ?? foldersOf('table1-'),
            methods: studyMethods[name],
          });
      }
    },
  };
}
