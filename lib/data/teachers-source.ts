import { basename } from 'node:path';
import { LabError } from '../errors';
import { hashFile } from '../files';
import { readDigest, requireNotedDigest } from '../formats/sha256sum';
import type { DataSource, DatasetStatus } from './source';
import { fetchCommand, publishedTeacher, publishedTeacherNames, teachersFolder } from './teachers';

/** The published teachers as `npm run data` lists and checks them. */
export const teachersSource: DataSource = {
  name: 'cifar-teachers',
  title: 'CIFAR-100 teachers as mdistiller published them (weights, no data set)',
  // Fetched by a command of its own, which also unpacks and measures them.
  downloads: new Map(),
  status: (dataDir) => Promise.resolve(statusOf(dataDir)),
  async verify(dataDir) {
    const there = found(dataDir);
    if (there.length === 0) {
      throw new LabError({
        kind: 'data',
        what: 'the published teachers are not there',
        where: teachersFolder(dataDir),
        remedy: `Run \`${fetchCommand}\``,
      });
    }
    let noted = 0;
    for (const { file } of there) {
      if (readDigest(file) === undefined) continue;
      requireNotedDigest(file, await hashFile(file));
      noted++;
    }
    return {
      // Their makers published no checksums.
      official: null,
      detail: `${describe(dataDir)}; ${noted} of them are as they were unpacked (SHA-256)`,
      path: teachersFolder(dataDir),
    };
  },
};

function statusOf(dataDir: string): DatasetStatus {
  const { name } = teachersSource;
  if (found(dataDir).length === 0) {
    const detail = `not in ${dataDir}`;
    return { name, state: 'missing', detail, mend: `Run \`${fetchCommand}\`` };
  }
  return { name, state: 'present', path: teachersFolder(dataDir), detail: describe(dataDir) };
}

function found(dataDir: string): { name: string; file: string }[] {
  return publishedTeacherNames.flatMap((name) => {
    const file = publishedTeacher(name, dataDir);
    return file === undefined ? [] : [{ name, file }];
  });
}

function describe(dataDir: string): string {
  const there = found(dataDir).map(({ name }) => name);
  const missing = publishedTeacherNames.filter((name) => !there.includes(name));
  const lacking = missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`;
  return `${there.join(', ')} in ${basename(teachersFolder(dataDir))}${lacking}`;
}
