import type { ClaimSources } from '../../lib/report/claims/candidates';
import { buildGlance } from '../../lib/report/claims/glance';
import { buildTable1 } from '../../lib/report/table1/build';
import { readTable1, readTable1Model } from '../../lib/report/table1/document';
import { type Report, writeDocument, type Written } from '../../lib/report/write';

/** What claims are judged on where nothing was run. */
export const noRuns: ClaimSources = {
  table1: buildTable1({ study: '', runs: [], root: '' }),
  ...{ norm: [], direction: [], ablation: [], teachers: [], table2: [], table3: [] },
};

/** A report of table 1 alone, from the runs of the folder `table1`. */
export function table1Report(resultsRoot: string, methods: readonly string[] = []): Report {
  return {
    resultsRoot,
    glance: () =>
      buildGlance({
        ...noRuns,
        table1: readTable1Model({ resultsRoot, folders: ['table1'], methods }),
      }),
    read: (name, folders = ['table1']) =>
      Promise.resolve(name === 'table1' ? readTable1({ resultsRoot, folders, methods }) : null),
  };
}

/** Writes it. */
export function writeTable1(
  resultsRoot: string,
  { color = false, methods = [] as readonly string[] } = {},
): Promise<Written> {
  return writeDocument(table1Report(resultsRoot, methods), {
    name: 'table1',
    folder: 'table1',
    color,
  });
}
