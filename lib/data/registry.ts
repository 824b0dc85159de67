import { z } from 'zod';
import { type CheckedName, dataError, type LabError, optionError, unknownName } from '../errors';
import { assembleDataset, type DecodedImages } from './batches';
import { cifarStatus, loadCifar, verifyCifar } from './cifar';
import { cifar100Spec, cifar10Spec, type CifarSpec } from './cifar-source';
import { downloadSource } from './download-source';
import { fashionMnistSource } from './fashion-mnist';
import { folderPrefix, folderSource } from './folder';
import { requireFixedSize } from './images';
import { dataDirectory } from './paths';
import type { OnDataProgress } from './progress';
import type {
  DatasetStatus,
  DatasetVerification,
  DataSource,
  ImageDataset,
  ImageSplit,
  LoadContext,
  Subset,
} from './source';
import { tableSources } from './tables/source';
import { teachersSource } from './teachers';

/** What a data set of one's own must say of itself. */
export interface CustomDataset {
  /** As `--data` takes it. */
  readonly name: string;
  /** One line: what it is. */
  readonly title: string;
  /** All its images, decoded, all of one size; `dataDir` is where data sets lie. */
  readonly load: (context: LoadContext) => DecodedImages | Promise<DecodedImages>;
}

/**
 * A data set of one's own as an entry of the registry: nothing is downloaded, the channel statistics
 * are those of the training images, and the images are checked when they are loaded.
 */
export function customSource({ name, title, load }: CustomDataset): DataSource {
  const loaded = async (context: LoadContext): Promise<DecodedImages> => {
    const decoded = await load(context);
    requireDecoded(name, decoded);
    for (const split of ['train', 'test'] as const) checkSplit(name, decoded, split);
    requireFixedSize(name, decoded, context.imageSize);
    return decoded;
  };
  return {
    name,
    title,
    downloads: new Map(),
    status: () => Promise.resolve({ name, state: 'present', form: 'own file', detail: title }),
    async verify(dataDir) {
      const { classes, train, test } = await loaded({ dataDir });
      const counts = `${train.count} + ${test.count} images in ${classes.length} classes`;
      return { official: null, detail: counts, form: 'own file' };
    },
    load: async (context) =>
      assembleDataset(name, await loaded(context), { subset: context.subset }),
  };
}

// Files of data sets are run without a compiler; of other arrays neither the bytes nor the hash would be right.
const splitSchema = z.object({
  images: z.instanceof(Uint8Array),
  labels: z.instanceof(Int32Array),
  count: z.number(),
});
const decodedSchema = z.object({
  classes: z.array(z.string()),
  ...{ height: z.number(), width: z.number() },
  ...{ train: splitSchema, test: splitSchema },
});

function requireDecoded(name: string, decoded: unknown): void {
  const issue = decodedSchema.safeParse(decoded).error?.issues[0];
  if (issue === undefined) return;
  const where = ['load', ...issue.path].join('.');
  throw dataError`a data set gives something else than decoded images (${name}, ${where}): found ${issue.message}. Let load give { classes, height, width, train, test }, each split { images: Uint8Array, labels: Int32Array, count }`;
}

function checkSplit(
  name: string,
  { classes, height, width, ...splits }: DecodedImages,
  split: 'train' | 'test',
): void {
  const { images, labels, count }: ImageSplit = splits[split];
  const fault = (found: string, fix: string): LabError =>
    dataError`the images and labels of a data set do not fit together (${name}, ${split}): found ${found}. ${fix}`;
  const bytes = count * height * width * 3;
  if (count === 0 || images.length !== bytes) {
    throw fault(
      `${images.length} bytes for ${count} images of ${width}×${height} in 3 colours`,
      `Give count × height × width × 3 bytes: ${bytes}`,
    );
  }
  const wrong = labels.findIndex((label) => label < 0 || label >= classes.length);
  if (labels.length !== count || wrong >= 0) {
    throw fault(
      wrong < 0 ? `${labels.length} labels` : `label ${labels[wrong] ?? ''} of image ${wrong}`,
      `Give ${count} labels from 0 to ${classes.length - 1}`,
    );
  }
}

const sources: DataSource[] = [
  fashionMnistSource,
  cifarSource(cifar10Spec),
  cifarSource(cifar100Spec),
  teachersSource,
  ...tableSources,
];

/**
 * The name of a data set: one of the package, a folder, or what `registerDataset` gave for one of yours, or
 * `datasetName` for a text that is read while the program runs.
 */
export type DatasetName =
  'fashion-mnist' | 'cifar10' | 'cifar100' | `folder:${string}` | CheckedName<'data set'>;

/** @throws LabError of kind `option` for a name that `loadDataset` does not know. */
export function datasetName(text: string): DatasetName {
  requireDataset(text);
  return text as CheckedName<'data set'>;
}

/**
 * @param others names that are taken besides
 * @throws LabError of kind `option` for a name that `loadDataset` does not know.
 */
export function requireDataset(name: string, others: readonly string[] = []): void {
  if (name.startsWith(folderPrefix)) return void folderSource(name);
  const loadable = dataSources.filter(({ load }) => load !== undefined);
  if (loadable.some((known) => known.name === name)) return;
  throw unknownName('data set', name, [...others, ...namesOf(loadable)]);
}

/** Everything that `npm run data` lists, downloads and checks. */
export const dataSources: readonly DataSource[] = sources;

/**
 * Adds a data set to those that are known everywhere by name, which it gives as `loadDataset` takes it.
 *
 * @throws LabError of kind `option` when the name is taken or cannot be one.
 */
export function registerDataset(source: DataSource): DatasetName {
  const { name } = source;
  const taken = sources.some((known) => known.name === name);
  if (!taken && /^[\w.+-]+$/.test(name)) {
    sources.push(source);
    return name as CheckedName<'data set'>;
  }
  throw optionError`${taken ? 'two data sets have the same name' : 'this is no name for a data set'}: found '${name}'. Give the new one a name of its own, of letters, digits and . _ + -`;
}

/** Where a data set is read, and how much of it. */
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
  name: DatasetName,
  { dataDir, imageSize, subset, download = false, onProgress }: LoadDatasetOptions = {},
): Promise<ImageDataset> {
  requireDataset(name);
  const source = findSource(name);
  if (source.load === undefined) throw new Error(`${name} has no images`);
  const directory = dataDirectory(dataDir);
  if (download && source.downloads.size > 0) {
    const { state } = await source.status(directory);
    if (state === 'missing') await downloadSource(source, { dataDir: directory, onProgress });
  }
  return source.load({ dataDir: directory, imageSize, subset, onProgress });
}

/** The state of every known data set, without reading their images. */
export async function listDatasets({ dataDir }: Pick<LoadDatasetOptions, 'dataDir'> = {}): Promise<
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

/** What `checkDataset` found out; the counts are absent for things that are no data set. */
export interface DatasetReport extends DatasetVerification {
  readonly name: string;
  readonly images?: Pick<ImageDataset, 'height' | 'width' | 'mean' | 'std' | 'hash'> & {
    readonly train: number;
    readonly test: number;
    readonly classes: number;
    /** The fewest and the most training images of a class. */
    readonly perClass: readonly [number, number];
  };
}

/**
 * Loads a data set completely, checks every size and label, and compares it with the official files
 * where their checksums are known.
 *
 * @throws LabError at the first fault.
 */
export async function checkDataset(
  name: string,
  { dataDir, imageSize, onProgress }: Omit<LoadDatasetOptions, 'subset' | 'download'> = {},
): Promise<DatasetReport> {
  const source = findSource(name);
  const directory = dataDirectory(dataDir);
  const dataset = await source.load?.({ dataDir: directory, imageSize, onProgress });
  const verification = await source.verify(directory);
  if (dataset === undefined) return { name, ...verification };

  const { train, test, classes, height, width, mean, std, hash } = dataset;
  const perClass = new Int32Array(classes.length);
  for (const label of train.labels) perClass[label] = (perClass[label] ?? 0) + 1;
  return {
    name,
    ...verification,
    images: {
      train: train.count,
      test: test.count,
      classes: classes.length,
      ...{ height, width, mean, std },
      perClass: [Math.min(...perClass), Math.max(...perClass)],
      hash,
    },
  };
}
