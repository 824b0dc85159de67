import { dataDirectory, withHome } from '../../lib/data/paths';
import { chosenNeeds, type FetchedNeed, fetchNeeds } from '../../lib/data/tables/fetch';
import { type FetchedTable, type Need, tableNeeds } from '../../lib/data/tables/needs';
import { needStatus, type NeedStatus } from '../../lib/data/tables/places';
import { gigabytes } from '../../lib/files';
import { interruption } from '../../lib/train/interruption';
import { print, tableOf, withDataProgress } from './common';
import { classMeansText } from './data-class-means';
import { measuredText, measureTable } from './data-measure';

/** The options of `npm run data -- table2` and `-- table3`. */
export interface TableDataOptions {
  readonly dataDir?: string;
  readonly only?: string;
  readonly mirror?: string;
  readonly from?: string;
  readonly connections?: number;
  readonly list?: true;
  readonly measure?: boolean;
  readonly results: string;
  readonly json?: true;
}

/** Lists what a table needs, fetches what is missing, measures its teachers, and says what became of it. */
export async function fetchTableData(
  table: FetchedTable,
  options: TableDataOptions,
): Promise<void> {
  const { dataDir, only, mirror, from, connections, list, measure = true, results, json } = options;
  const directory = dataDirectory(dataDir);
  const needs = chosenNeeds(tableNeeds[table], wordsIn(only));
  const before = needs.map((need) => needStatus(need, directory));
  if (list)
    return print(json, { table, dataDir: directory, needs: before }, listing(table, before));
  if (!json) process.stdout.write(`${listing(table, before)}\n`);
  const { signal, release } = interruption(() =>
    process.stderr.write('Stopping; what came is kept. Ctrl-C again ends at once.\n'),
  );
  try {
    const { found, measured, classMeans, notes } = await withDataProgress(async (onProgress) => {
      const common = { onProgress, signal };
      const fetched = await fetchNeeds(needs, {
        ...common,
        dataDir: directory,
        mirror,
        from: wordsIn(from)?.map(withHome),
        connections,
      });
      if (!measure) return { found: fetched, measured: [], classMeans: [], notes: [] };
      return {
        found: fetched,
        ...(await measureTable(table, fetched, { ...common, dataDir, results })),
      };
    });
    const words = [
      summary(table, found, directory),
      ...(measured.length > 0 ? [measuredText(measured)] : []),
      ...(classMeans.length > 0 ? [classMeansText(classMeans)] : []),
    ];
    print(
      json,
      { table, dataDir: directory, needs: found, measured, classMeans },
      words.join('\n'),
    );
    const lines = [...faultsAndRequests(needs, found), ...notes];
    process.stderr.write(lines.map((line) => `${line}\n`).join(''));
    if (lines.some((line) => line.startsWith('error'))) process.exitCode = 1;
  } finally {
    release();
  }
}

function wordsIn(list: string | undefined): string[] | undefined {
  return list
    ?.split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function listing(table: FetchedTable, needs: readonly NeedStatus[]): string {
  const shown = tableOf(['part', 'what it is', 'bytes', 'state']);
  for (const { name, what, bytes, state, detail, optional } of needs) {
    const missing = optional ? 'missing (optional)' : 'missing';
    const words = state === 'missing' ? missing : [state, detail].filter(Boolean).join(': ');
    shown.push([name, what, { content: bytes.toLocaleString('en'), hAlign: 'right' }, words]);
  }
  const left = needs.reduce((sum, { bytes, share }) => sum + bytes * (1 - share), 0);
  return `${shown.toString()}\n${table}: ${gigabytes(left)} of ${gigabytes(total(needs))} are missing`;
}

function total(needs: readonly NeedStatus[]): number {
  return needs.reduce((sum, { bytes }) => sum + bytes, 0);
}

function summary(table: FetchedTable, found: readonly FetchedNeed[], dataDir: string): string {
  const fetched = found.filter(({ outcome }) => outcome === 'fetched');
  const lines = fetched.map(
    ({ name, path, sha256 }) => `${name}: ${path}${sha256 === null ? '' : ` (SHA-256 ${sha256})`}`,
  );
  // Of all that the table needs, whatever was asked for.
  const lacking = tableNeeds[table]
    .map((need) => needStatus(need, dataDir))
    .filter(({ state, optional }) => (state === 'missing' || state === 'partly') && !optional);
  return [
    ...lines,
    lacking.length === 0
      ? `${table}: all is there. Run npm run reproduce:${table} -- --scale paper`
      : `${table}: not there: ${lacking.map(({ name }) => name).join(', ')}`,
  ].join('\n');
}

/** What a reader must do or know, a line each. */
function faultsAndRequests(needs: readonly Need[], found: readonly FetchedNeed[]): string[] {
  const requests = needs.flatMap((need) => {
    const outcome = found.find(({ name }) => name === need.name)?.outcome;
    if (need.kind !== 'on request' || outcome !== 'on request') return [];
    const files = Object.values(need.archives).map(({ fileName }) => fileName);
    return [
      `${need.name} is given to those who accept its terms, and is not fetched here. Ask for it at ${need.url}, then give its archives: --from ${files.join(',')}`,
    ];
  });
  const faults = found.flatMap(({ name, fault, optional }) =>
    fault === null ? [] : [`${optional ? 'WARNING' : 'error'}: ${name}: ${fault}`],
  );
  return [...requests, ...faults];
}
