import { readTable1 } from '../../lib/report/table1/document';
import { type Report, writeDocument, type Written } from '../../lib/report/write';

/** A report of table 1 alone, from the runs of the folder `table1`. */
export function table1Report(resultsRoot: string, methods: readonly string[] = []): Report {
  return {
    resultsRoot,
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
