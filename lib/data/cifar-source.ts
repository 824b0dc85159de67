import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LabError } from '../errors';
import { checkCifarBinarySize } from '../formats/cifar-binary';
import { cifarFault, cifarImageBytes } from '../formats/cifar';
import { readTarFiles } from '../formats/tar-archive';
import {
  cifarFileNames,
  cifarForms,
  recordsPerFile,
  type CifarForm,
  type CifarSpec,
} from './cifar-specs';
import { dataVariable } from './directory';
import { isFile, isFolder, readDataFile } from './paths';

/** A place where a CIFAR data set lies. */
export interface CifarSource {
  readonly kind: 'folder' | 'archive';
  readonly path: string;
  /** Unknown for an archive under a name of the user's own, until it is read. */
  readonly form: CifarForm | undefined;
}

/** The files of one form, in memory. */
export interface CifarFilesRead {
  readonly form: CifarForm;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Where a CIFAR data set lies, given a data directory, the official folder itself, or an archive:
 * the first of unpacked folders (binary, python), the place itself, and archives (binary, python).
 */
export function locateCifar(spec: CifarSpec, place: string): CifarSource | undefined {
  if (isFile(place)) return { kind: 'archive', path: place, form: officialForm(spec, place) };
  const folders = cifarForms.map((form) =>
    folderSource(spec, form, join(place, spec[form].folder)),
  );
  const itself = cifarForms.map((form) => folderSource(spec, form, place));
  const archives = cifarForms.map((form) => archiveSource(spec, form, place));
  return [...folders, ...itself, ...archives].find((source) => source !== undefined);
}

/** The error for a CIFAR data set that is nowhere. */
export function missingCifar(spec: CifarSpec, place: string): LabError {
  const wanted = cifarForms.flatMap((form) => [
    `${spec[form].folder}/`,
    spec[form].archive.fileName,
  ]);
  return new LabError({
    kind: 'data',
    what: `the data set '${spec.name}' is not there`,
    where: place,
    found: isFolder(place) ? `none of ${wanted.join(', ')}` : 'no such folder or file',
    remedy:
      `Run \`npm run data -- download ${spec.name}\`, or say where your copy lies ` +
      `with --data-dir or ${dataVariable}`,
  });
}

/**
 * Reads all files of a source.
 *
 * @throws LabError of kind `data` when one is missing or of the wrong size, `file` when an archive is
 *   damaged.
 */
export async function readCifarFiles(
  spec: CifarSpec,
  source: CifarSource,
): Promise<CifarFilesRead> {
  if (source.kind === 'archive') return readArchive(spec, source);
  checkCifarFolder(spec, source);
  const form = source.form ?? 'binary';
  const files = new Map(
    cifarFileNames(spec, form).map((name) => [name, readDataFile(join(source.path, name))]),
  );
  return { form, files };
}

/**
 * Checks that a folder holds all files and that their sizes are possible, without reading them.
 *
 * @throws LabError of kind `data` naming the first that does not.
 */
export function checkCifarFolder(spec: CifarSpec, { path, form = 'binary' }: CifarSource): void {
  for (const name of cifarFileNames(spec, form)) {
    if (!isFile(join(path, name))) throw missingFile(spec, join(path, name));
  }
  for (const split of ['train', 'test'] as const) {
    const records = recordsPerFile(spec, form, split);
    for (const name of spec[form][split]) {
      checkSize(spec, form, join(path, name), records);
    }
  }
}

function checkSize(spec: CifarSpec, form: CifarForm, where: string, records: number): void {
  const { size } = statSync(where);
  if (form === 'binary') {
    const expected = { records, classCount: spec.classCount, where };
    checkCifarBinarySize(size, spec.binary.layout, expected);
  } else if (size < records * cifarImageBytes) {
    const expected = `at least ${records * cifarImageBytes} for ${records} images`;
    throw cifarFault('a CIFAR file is cut off', where, `${size} bytes, expected ${expected}`);
  }
}

async function readArchive(spec: CifarSpec, { path }: CifarSource): Promise<CifarFilesRead> {
  const wanted = new Set(cifarForms.flatMap((form) => cifarFileNames(spec, form)));
  const files = await readTarFiles(path, wanted);
  const form = cifarForms.find((candidate) =>
    spec[candidate].train.some((name) => files.has(name)),
  );
  const missing = cifarFileNames(spec, form ?? 'binary').find((name) => !files.has(name));
  if (form === undefined || missing !== undefined) {
    throw missingFile(spec, `${path}, ${missing ?? ''}`);
  }
  return { form, files };
}

function missingFile({ name }: CifarSpec, where: string): LabError {
  return cifarFault(`a file of '${name}' is missing`, where, 'no such file');
}

function folderSource(spec: CifarSpec, form: CifarForm, path: string): CifarSource | undefined {
  const found = cifarFileNames(spec, form).some((name) => isFile(join(path, name)));
  const [first = ''] = spec[form].train;
  // `test`, `train` and `meta` alone say little: an image folder may hold them too.
  const known = basename(path) === spec[form].folder ? found : isFile(join(path, first));
  return known ? { kind: 'folder', path, form } : undefined;
}

function archiveSource(spec: CifarSpec, form: CifarForm, place: string): CifarSource | undefined {
  const { fileName } = spec[form].archive;
  const path = [fileName, fileName.replace(/\.tar\.gz$/, '.tgz')]
    .map((name) => join(place, name))
    .find(isFile);
  return path === undefined ? undefined : { kind: 'archive', path, form };
}

function officialForm(spec: CifarSpec, path: string): CifarForm | undefined {
  return cifarForms.find((form) => basename(path) === spec[form].archive.fileName);
}
