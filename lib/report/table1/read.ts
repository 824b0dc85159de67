import type { RunConfig } from '../../runs/schema';
import { readRuns } from '../../runs/store';
import type { Evidence } from '../write';
import { buildTable1 } from './build';
import { table1Document } from './document';

/** What table 1 is read from. */
export interface Table1Source {
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /** The folders of runs: each setting in them is a part of its own. */
  readonly folders: readonly string[];
  /** Methods that get a row even when no run has them. */
  readonly methods?: readonly string[];
  /** Methods whose runs are no rows of this table. */
  readonly omit?: ReadonlySet<string>;
  /** Whether a run's recipe is the paper's own; by its scale alone where nothing is said. */
  readonly isPaperRecipe?: (config: RunConfig) => boolean;
}

/** Table 1 from run files alone; null without any run. */
export function readTable1({
  resultsRoot,
  folders,
  methods,
  omit = new Set(),
  isPaperRecipe,
}: Table1Source): Evidence | null {
  const table = buildTable1({
    study: folders.join(', '),
    runs: folders
      .flatMap((folder) => readRuns(resultsRoot, folder))
      .filter(({ config }) => !omit.has(config.method)),
    root: resultsRoot,
    methods,
    isPaperRecipe,
  });
  return table.groups.length === 0 ? null : { document: table1Document(table), json: table };
}
