import { basename, join } from 'node:path';
import { dataError, LabError } from '../errors';
import { hashFile } from '../files';
import {
  type CifarExpectation,
  cifarImageBytes,
  cifarSide,
  type CifarTarget,
  decodeCifarBinary,
  decodeCifarMeta,
  decodeCifarNames,
  decodeCifarPython,
} from '../formats/cifar';
import { assembleDataset, type DecodedImages } from './batches';
import {
  checkCifarFolder,
  type CifarFilesRead,
  cifarForms,
  type CifarSource,
  type CifarSpec,
  locateCifar,
  missingCifar,
  readCifarFiles,
  recordsPerFile,
} from './cifar-source';
import { requireFixedSize } from './images';
import type {
  DatasetStatus,
  DatasetVerification,
  ImageDataset,
  ImageSplit,
  LoadContext,
} from './source';

/**
 * Loads CIFAR-10 or CIFAR-100 from an unpacked folder or an archive, in the binary or the python form.
 * Both forms of the same images give the same data set.
 *
 * @throws LabError of kind `data` or `file` naming the file that is missing, cut off or wrong.
 */
export async function loadCifar(
  spec: CifarSpec,
  { dataDir, imageSize, subset, onProgress }: LoadContext,
): Promise<ImageDataset> {
  requireFixedSize(spec.name, { width: cifarSide, height: cifarSide }, imageSize);
  const source = locateCifar(spec, dataDir);
  if (source === undefined) throw missingCifar(spec, dataDir);
  const total = spec.trainCount + spec.testCount;
  const message = `reading ${spec.name}`;
  onProgress?.({ message, unit: 'images', done: 0, total });
  const decoded = decodeCifar(spec, source, await readCifarFiles(spec, source));
  onProgress?.({ message, unit: 'images', done: total, total });
  return assembleDataset(spec.name, decoded, { subset, known: spec.statistics });
}

function decodeCifar(
  spec: CifarSpec,
  { path }: CifarSource,
  { form, files }: CifarFilesRead,
): DecodedImages {
  const { classCount } = spec;
  const namesFile = spec[form].names;
  const names = files.get(namesFile) ?? new Uint8Array();
  const where = join(path, namesFile);
  const classes =
    form === 'binary'
      ? decodeCifarNames(names, classCount, where)
      : decodeCifarMeta(names, spec.python.namesKey, classCount, where);

  const decodeFile = (bytes: Uint8Array, expected: CifarExpectation, target: CifarTarget): void => {
    if (form === 'binary') decodeCifarBinary(bytes, spec.binary.layout, expected, target);
    else decodeCifarPython(bytes, spec.python.labelKey, expected, target);
  };
  const decodeSplit = (split: 'train' | 'test'): ImageSplit => {
    const count = split === 'train' ? spec.trainCount : spec.testCount;
    const records = recordsPerFile(spec, form, split);
    const images = new Uint8Array(count * cifarImageBytes);
    const labels = new Int32Array(count);
    spec[form][split].forEach((name, index) => {
      const expected = { records, classCount, where: join(path, name) };
      const target = { images, labels, start: index * records };
      decodeFile(files.get(name) ?? new Uint8Array(), expected, target);
    });
    return { images, labels, count };
  };
  return {
    classes,
    height: cifarSide,
    width: cifarSide,
    train: decodeSplit('train'),
    test: decodeSplit('test'),
  };
}

/** Whether a CIFAR data set is there and looks whole; reads sizes and an archive's MD5, not images. */
export async function cifarStatus(spec: CifarSpec, dataDir: string): Promise<DatasetStatus> {
  const { name } = spec;
  const source = locateCifar(spec, dataDir);
  if (source === undefined) {
    const { problem, fix } = missingCifar(spec, dataDir);
    return { name, state: 'missing', detail: problem, fix };
  }
  const place = { name, form: describeForm(source), path: source.path };
  try {
    if (source.kind === 'folder') checkCifarFolder(spec, source);
    const { detail } = await compareWithOfficial(spec, source);
    return { ...place, state: 'present', detail };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { ...place, state: 'broken', detail: error.problem, fix: error.fix };
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
    throw dataError`an archive under the official name has another checksum (${path}): found MD5 ${found}, expected ${claimed.checksum.value}. Remove it and run \`npm run data -- download ${spec.name}\`; if it is an archive of your own, give it another name and pass it with --data-dir`;
  }
  return { official: false, detail: `other than the official archive (MD5 ${found})` };
}

function describeForm({ kind, form }: CifarSource): string {
  return form === undefined ? kind : `${form} ${kind}`;
}
