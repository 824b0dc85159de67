import { basename, join } from 'node:path';
import { LabError } from '../errors';
import { hashFile } from '../files';
import { checkCifarFolder, locateCifar, missingCifar, type CifarSource } from './cifar-source';
import { cifarForms, type CifarSpec } from './cifar-specs';
import type { DatasetStatus, DatasetVerification } from './source';

/** Whether a CIFAR data set is there and looks whole; reads sizes and an archive's MD5, not images. */
export async function cifarStatus(spec: CifarSpec, dataDir: string): Promise<DatasetStatus> {
  const { name } = spec;
  const source = locateCifar(spec, dataDir);
  if (source === undefined) {
    const { fault } = missingCifar(spec, dataDir);
    const detail = `not in ${dataDir}: ${fault.found ?? ''}`;
    return { name, state: 'missing', detail, mend: fault.remedy };
  }
  const place = { name, form: describeForm(source), path: source.path };
  try {
    if (source.kind === 'folder') checkCifarFolder(spec, source);
    const { detail } = await compareWithOfficial(spec, source);
    return { ...place, state: 'present', detail };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const { what, found, remedy } = error.fault;
    const detail = found === undefined ? what : `${what}: ${found}`;
    return { ...place, state: 'broken', detail, mend: remedy };
  }
}

/**
 * Compares a CIFAR data set with the official files as far as their checksums are known.
 *
 * @throws LabError of kind `data` when it is not there, or an archive under the official name has
 *   another checksum.
 */
export async function verifyCifar(spec: CifarSpec, dataDir: string): Promise<DatasetVerification> {
  const source = locateCifar(spec, dataDir);
  if (source === undefined) throw missingCifar(spec, dataDir);
  const compared = await compareWithOfficial(spec, source, true);
  return { ...compared, form: describeForm(source), path: source.path };
}

/** @param thorough - also read the files of a folder and refuse a wrong archive */
async function compareWithOfficial(
  spec: CifarSpec,
  source: CifarSource,
  thorough = false,
): Promise<{ official: boolean | null; detail: string }> {
  if (source.kind === 'archive') return compareArchive(spec, source, thorough);
  if (source.form === 'binary') {
    return {
      official: null,
      detail:
        'whole by its sizes; not verified against the official archive ' +
        '(unpacked binary files have no published checksum)',
    };
  }
  if (!thorough) {
    const detail = `whole by its sizes; \`npm run data -- check ${spec.name}\` verifies it`;
    return { official: null, detail };
  }
  const entries = Object.entries(spec.python.md5);
  for (const [name, expected] of entries) {
    const found = await hashFile(join(source.path, name), 'md5');
    if (found !== expected) {
      const detail = `other than the official files: ${name} has MD5 ${found}, not ${expected}`;
      return { official: false, detail };
    }
  }
  return { official: true, detail: `MD5 of ${entries.length} files is the official one` };
}

async function compareArchive(
  spec: CifarSpec,
  { path }: CifarSource,
  thorough: boolean,
): Promise<{ official: boolean; detail: string }> {
  const found = await hashFile(path, 'md5');
  const archives = cifarForms.map((form) => spec[form].archive);
  if (archives.some(({ checksum }) => checksum.value === found)) {
    return { official: true, detail: 'MD5 is that of the official archive' };
  }
  const claimed = archives.find(({ fileName }) => fileName === basename(path));
  if (thorough && claimed !== undefined) {
    throw new LabError({
      kind: 'data',
      what: 'an archive under the official name has another checksum',
      where: path,
      found: `MD5 ${found}, expected ${claimed.checksum.value}`,
      remedy:
        `Remove it and run \`npm run data -- download ${spec.name}\`; ` +
        'if it is an archive of your own, give it another name and pass it with --data-dir',
    });
  }
  return { official: false, detail: `other than the official archive (MD5 ${found})` };
}

function describeForm({ kind, form }: CifarSource): string {
  return form === undefined ? kind : `${form} ${kind}`;
}
