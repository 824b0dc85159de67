import { LabError, unknownName } from '../errors';
import { loadCifar } from './cifar';
import { cifar100Spec, cifar10Spec, type CifarSpec } from './cifar-specs';
import { cifarStatus, verifyCifar } from './cifar-status';
import { dataDirectory } from './directory';
import { downloadSource } from './download-source';
import { fashionMnistSource } from './embedded/fashion-mnist-source';
import { folderSource } from './folder-source';
import { folderPrefix } from './folder';
import type { OnDataProgress } from './progress';
import type { DataSource, DatasetStatus } from './source';
import type { Subset } from './subset';
import { teachersSource } from './teachers-source';
import type { ImageDataset } from './types';

const sources: DataSource[] = [
  fashionMnistSource,
  cifarSource(cifar10Spec),
  cifarSource(cifar100Spec),
  teachersSource,
];

/** Everything that `npm run data` lists, downloads and checks. */
export const dataSources: readonly DataSource[] = sources;

/**
 * Adds a data set to those that are known everywhere by name.
 *
 * @throws LabError of kind `option` when the name is taken or cannot be one.
 */
export function registerDataset(source: DataSource): void {
  const { name } = source;
  const taken = sources.some((known) => known.name === name);
  if (!taken && /^[\w.+-]+$/.test(name)) {
    sources.push(source);
    return;
  }
  throw new LabError({
    kind: 'option',
    what: taken ? 'two data sets have the same name' : 'this is no name for a data set',
    found: `'${name}'`,
    remedy: 'Give the new one a name of its own, of letters, digits and . _ + -',
  });
}

export interface LoadDatasetOptions {
  /** Where data sets lie; default as `dataDirectory`. A CIFAR folder or archive itself will do. */
  readonly dataDir?: string | undefined;
  /** Side of the images; only `folder:PATH` has a choice. */
  readonly imageSize?: number | undefined;
  /** Take the first n images of each class only; the data set's name then says so. */
  readonly subset?: Subset | undefined;
  /** Fetch what is missing; default: an error that names the command. */
  readonly download?: boolean | undefined;
  readonly onProgress?: OnDataProgress | undefined;
}

/**
 * Loads a data set by name: `fashion-mnist`, `cifar10`, `cifar100` or `folder:PATH`.
 *
 * @throws LabError of kind `option` for another name, `data` or `file` when the data are missing,
 *   damaged or cut off.
 */
export async function loadDataset(
  name: string,
  { dataDir, imageSize, subset, download = false, onProgress }: LoadDatasetOptions = {},
): Promise<ImageDataset> {
  const source = findSource(name);
  if (source.load === undefined) {
    const loadable = dataSources.filter(({ load }) => load !== undefined);
    throw unknownName('data set', name, namesOf(loadable));
  }
  const directory = dataDirectory(dataDir);
  if (download && source.downloads.size > 0) {
    const { state } = await source.status(directory);
    if (state === 'missing') await downloadSource(source, { dataDir: directory, onProgress });
  }
  return source.load({ dataDir: directory, imageSize, subset, onProgress });
}

/** The state of every known data set, without reading their images. */
export async function listDatasets({ dataDir }: { dataDir?: string | undefined } = {}): Promise<
  DatasetStatus[]
> {
  const directory = dataDirectory(dataDir);
  return Promise.all(dataSources.map((source) => source.status(directory)));
}

/** @throws LabError of kind `option` for a name that is neither known nor `folder:PATH`. */
export function findSource(name: string): DataSource {
  if (name.startsWith(folderPrefix)) return folderSource(name);
  const source = dataSources.find((known) => known.name === name);
  if (source !== undefined) return source;
  throw unknownName('data set', name, namesOf(dataSources));
}

function namesOf(sources: readonly DataSource[]): string[] {
  return [...sources.map(({ name }) => name), `${folderPrefix}PATH`];
}

function cifarSource(spec: CifarSpec): DataSource {
  return {
    name: spec.name,
    title: spec.title,
    downloads: new Map([
      ['binary', spec.binary.archive],
      ['python', spec.python.archive],
    ]),
    status: (dataDir) => cifarStatus(spec, dataDir),
    verify: (dataDir) => verifyCifar(spec, dataDir),
    load: (context) => loadCifar(spec, context),
  };
}
