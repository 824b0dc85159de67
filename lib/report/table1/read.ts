import { readRuns } from '../../runs/store';
import type { Evidence } from '../write';
import { buildTable1, type Table1Input } from './build';
import { table1Document } from './document';

/** What table 1 is read from. */
export interface Table1Source extends Pick<Table1Input, 'methods' | 'isPaperRecipe'> {
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /** The folders of runs: each setting in them is a part of its own. */
  readonly folders: readonly string[];
  /** Methods whose runs are no rows of this table. */
  readonly omit?: ReadonlySet<string>;
}

/** Table 1 from run files alone; null without any run. */
export function readTable1(source: Table1Source): Evidence | null {
  const { resultsRoot: root, folders, omit = new Set(), ...options } = source;
  const runs = folders
    .flatMap((folder) => readRuns(root, folder))
    .filter(({ config }) => !omit.has(config.method));
  const table = buildTable1({ study: folders.join(', '), runs, root, ...options });
  return table.groups.length === 0 ? null : { document: table1Document(table), json: table };
}
