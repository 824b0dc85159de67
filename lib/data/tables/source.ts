import { dataError } from '../../errors';
import { gigabytes, hashFile } from '../../files';
import { readDigest, requireNotedDigest } from '../../formats/sha256sum';
import type { DatasetStatus, DataSource } from '../source';
import { type FetchedTable, fetchedTables, tableNeeds } from './needs';
import { fileOf, needStatus, type NeedStatus } from './places';

const titles: Readonly<Record<FetchedTable, string>> = {
  table2: 'What table 2 needs: ImageNet and its published teachers',
  table3: 'What table 3 needs: COCO 2017, published detectors and backbones',
};

/** What the tables need as `npm run data` and the doctor list it. */
export const tableSources: readonly DataSource[] = fetchedTables.map((table) => ({
  name: table,
  title: titles[table],
  // Fetched by a command of its own.
  downloads: new Map(),
  status: (dataDir) => Promise.resolve(statusOf(table, dataDir)),
  async verify(dataDir) {
    const { state, detail, fix = '' } = statusOf(table, dataDir);
    if (state === 'missing')
      throw dataError`not all is there that ${table} needs (${dataDir}): found ${detail}. ${fix}`;
    let noted = 0;
    for (const need of tableNeeds[table]) {
      const file =
        need.kind === 'archive' || need.kind === 'on request' ? undefined : fileOf(need, dataDir);
      if (file === undefined || readDigest(file) === undefined) continue;
      requireNotedDigest(file, await hashFile(file));
      noted++;
    }
    return {
      official: null,
      detail: `${detail}; ${noted} files are as they came (SHA-256)`,
      path: dataDir,
    };
  },
}));

function statusOf(table: FetchedTable, dataDir: string): DatasetStatus {
  const all = tableNeeds[table].map((need) => needStatus(need, dataDir));
  const missing = all.filter(isMissing).filter(({ optional }) => !optional);
  const there = `${all.filter((need) => !isMissing(need)).length} of ${all.length} parts`;
  if (missing.length === 0) return { name: table, state: 'present', path: dataDir, detail: there };
  const names = missing.map(({ name, detail }) => (detail === '' ? name : `${name} (${detail})`));
  const bytes = missing.reduce((sum, need) => sum + need.bytes * (1 - need.share), 0);
  return {
    name: table,
    state: 'missing',
    detail: `${there}; missing: ${names.join(', ')}: ${gigabytes(bytes)}`,
    fix: `Run \`npm run data -- ${table}\``,
  };
}

function isMissing({ state }: NeedStatus): boolean {
  return state === 'missing' || state === 'partly';
}
