import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dataError, type LabError } from '../errors';
import {
  checkCifarBinarySize,
  cifarFault,
  cifarImageBytes,
  type CifarRecordLayout,
} from '../formats/cifar';
import { readTarFiles } from '../formats/tar';
import type { RemoteFile } from './download';
import { dataDirectory, dataVariable, isFile, isFolder, readDataFile } from './paths';
import type { ChannelStatistics } from './statistics';

export const cifarForms = ['binary', 'python'] as const;
/** The two forms in which CIFAR is published (the third, Matlab's, is not read). */
type CifarForm = (typeof cifarForms)[number];

interface CifarFiles {
  /** The folder in the official archive. */
  readonly folder: string;
  readonly archive: RemoteFile;
  /** Files of equal numbers of records, in order. */
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** The file of class names. */
  readonly names: string;
}

/** The binary form: fixed records. */
interface CifarBinaryFiles extends CifarFiles {
  readonly layout: CifarRecordLayout;
}

/** The python form: pickled dicts. */
interface CifarPythonFiles extends CifarFiles {
  readonly labelKey: string;
  readonly namesKey: string;
  /** MD5 of the official files of images. */
  readonly md5: Readonly<Record<string, string>>;
}

/** Everything that tells CIFAR-10 from CIFAR-100. */
export interface CifarSpec {
  readonly name: string;
  readonly title: string;
  readonly classCount: number;
  readonly trainCount: number;
  readonly testCount: number;
  readonly statistics: ChannelStatistics;
  readonly binary: CifarBinaryFiles;
  readonly python: CifarPythonFiles;
}

const home = 'https://www.cs.toronto.edu/~kriz/';

function official(fileName: string, md5: string): RemoteFile {
  return { url: `${home}${fileName}`, fileName, checksum: { algorithm: 'md5', value: md5 } };
}

/** CIFAR-100, normalised by the paper's code's figures (mdistiller's). */
export const cifar100Spec: CifarSpec = {
  name: 'cifar100',
  title: 'CIFAR-100: 50,000 + 10,000 images, 32×32, 100 classes',
  classCount: 100,
  trainCount: 50_000,
  testCount: 10_000,
  statistics: { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] },
  binary: {
    folder: 'cifar-100-binary',
    archive: official('cifar-100-binary.tar.gz', '03b5dce01913d631647c71ecec9e9cb8'),
    train: ['train.bin'],
    test: ['test.bin'],
    names: 'fine_label_names.txt',
    layout: { labelBytes: 2, classByte: 1 },
  },
  python: {
    folder: 'cifar-100-python',
    archive: official('cifar-100-python.tar.gz', 'eb9058c3a382ffc7106e4002c42a8d85'),
    train: ['train'],
    test: ['test'],
    names: 'meta',
    labelKey: 'fine_labels',
    namesKey: 'fine_label_names',
    md5: {
      train: '16019d7e3df5f24257cddd939b257f8d',
      test: 'f0ef6b0ae62326f3e7ffdfab6717acfc',
    },
  },
};

/** CIFAR-10, normalised by the figures in common use. */
export const cifar10Spec: CifarSpec = {
  name: 'cifar10',
  title: 'CIFAR-10: 50,000 + 10,000 images, 32×32, 10 classes',
  classCount: 10,
  trainCount: 50_000,
  testCount: 10_000,
  statistics: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  binary: {
    folder: 'cifar-10-batches-bin',
    archive: official('cifar-10-binary.tar.gz', 'c32a1d4ab5d03f1284b67883e8d87530'),
    train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
    test: ['test_batch.bin'],
    names: 'batches.meta.txt',
    layout: { labelBytes: 1, classByte: 0 },
  },
  python: {
    folder: 'cifar-10-batches-py',
    archive: official('cifar-10-python.tar.gz', 'c58f30108f718f92721af3b95e74349a'),
    train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}`),
    test: ['test_batch'],
    names: 'batches.meta',
    labelKey: 'labels',
    namesKey: 'label_names',
    md5: {
      data_batch_1: 'c99cafc152244af753f735de768cd75f',
      data_batch_2: 'd4bba439e000b95fd0a9bffe97cbabec',
      data_batch_3: '54ebc095f3ab1f0389bbae665268c751',
      data_batch_4: '634d18415352ddfa80567beed471001a',
      data_batch_5: '482c414d41f54cd18b22e5b47cb7c3cb',
      test_batch: '40351d587109b95175f43aff81a1287e',
    },
  },
};

/** How many records each file of a split holds. */
export function recordsPerFile(spec: CifarSpec, form: CifarForm, split: 'train' | 'test'): number {
  const count = split === 'train' ? spec.trainCount : spec.testCount;
  return count / spec[form][split].length;
}

/** The names of all files that a form needs. */
function cifarFileNames(spec: CifarSpec, form: CifarForm): readonly string[] {
  const { train, test, names } = spec[form];
  return [...train, ...test, names];
}

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
  const there = place === dataDirectory() ? '' : ` --data-dir ${place}`;
  return dataError`the data set '${spec.name}' is not there (${place}): found ${isFolder(place) ? `none of ${wanted.join(', ')}` : 'no such folder or file'}. Run \`npm run data -- download ${spec.name}${there}\`, or say where your copy lies with --data-dir or ${dataVariable}`;
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
  const wanted = new Map(
    cifarForms.flatMap((form) =>
      cifarFileNames(spec, form).map((name) => [name, mostBytes(spec, form, name)] as const),
    ),
  );
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

/** More than a file of this name can need. */
function mostBytes(spec: CifarSpec, form: CifarForm, name: string): number {
  const split = (['train', 'test'] as const).find((each) => spec[form][each].includes(name));
  if (split === undefined) return 2 ** 20;
  // In the python form each image has its file's name and labels of any Python beside its pixels.
  const beside = form === 'binary' ? spec.binary.layout.labelBytes : 256;
  return recordsPerFile(spec, form, split) * (cifarImageBytes + beside) + 2 ** 16;
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
