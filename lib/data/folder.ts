import { type Dirent, readdirSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { dataError, LabError, optionError } from '../errors';
import { gibibytes } from '../files';
import { assembleDataset } from './batches';
import { decodeImage } from './images';
import { isFile, isFolder, withHome } from './paths';
import type { OnDataProgress } from './progress';
import {
  checkPerClass,
  type DataSource,
  type ImageDataset,
  type ImageSplit,
  type LoadContext,
  nameWithSubset,
  type Subset,
} from './source';

/** The image files of one split, sorted by class, then by name. */
export interface FolderSplit {
  /** `train`, `val` or `test`. */
  readonly name: string;
  readonly files: readonly string[];
  readonly labels: readonly number[];
}

/** What an image folder holds, by names only. */
interface FolderLayout {
  readonly classes: readonly string[];
  readonly train: FolderSplit;
  readonly test: FolderSplit;
}

const extensions: readonly string[] = ['.jpg', '.jpeg', '.png'];
const layoutRemedy =
  'Lay it out as train/CLASS/*.jpg and val/CLASS/*.jpg (or test/CLASS/…), with .jpg, .jpeg or .png files';

/**
 * Lists an image folder: `train/CLASS/…` and `val/CLASS/…` or, without it, `test/CLASS/…`. Classes
 * and files come in the order of their names; hidden entries and other files are passed over.
 *
 * @throws LabError of kind `data` for a folder without images, with fewer than two classes, with
 *   images at another depth, or with other classes in the two splits.
 */
export function readFolderLayout(root: string, subset: Subset = {}): FolderLayout {
  if (!isFolder(root)) throw faulty('an image folder is not there', root, 'no such folder');
  const testName = ['val', 'test'].find((name) => isFolder(join(root, name)));
  const missing = !isFolder(join(root, 'train'))
    ? 'train'
    : testName === undefined
      ? 'val or test'
      : undefined;
  if (missing !== undefined || testName === undefined) {
    const found = entriesOf(root)
      .slice(0, 5)
      .map(({ name }) => name);
    const what = `an image folder has no folder ${missing ?? ''}`;
    throw faulty(what, root, found.length === 0 ? 'nothing' : found.join(', '));
  }
  const classes = classesOf(join(root, 'train'));
  requireSameClasses(classes, classesOf(join(root, testName)), join(root, testName));
  return {
    classes,
    train: readSplit(root, 'train', classes, subset.train),
    test: readSplit(root, testName, classes, subset.test),
  };
}

/**
 * Lists one folder of classes, `CLASS/…`, as a split of its own.
 *
 * @throws LabError of kind `data` as `readFolderLayout` does.
 */
export function readClassFolders(folder: string): {
  readonly classes: readonly string[];
  readonly split: FolderSplit;
} {
  if (!isFolder(folder)) throw faulty('an image folder is not there', folder, 'no such folder');
  const classes = classesOf(folder);
  return { classes, split: readSplit(dirname(folder), basename(folder), classes, undefined) };
}

function classesOf(splitFolder: string): string[] {
  const entries = entriesOf(splitFolder);
  const loose = entries.find(({ name }) => isImage(name) && isFile(join(splitFolder, name)));
  if (loose !== undefined) {
    throw faulty('an image lies outside the class folders', splitFolder, loose.name);
  }
  const classes = entries
    .map(({ name }) => name)
    .filter((name) => isFolder(join(splitFolder, name)));
  if (classes.length === 0) throw faulty('an image folder has no images', splitFolder, 'no class');
  const [only = ''] = classes;
  if (classes.length === 1) {
    const inside = entriesOf(join(splitFolder, only)).map(({ name }) => name);
    const nested = inside.find((name) => isFolder(join(splitFolder, only, name)));
    if (nested !== undefined && !inside.some(isImage)) {
      throw faulty('the class folders lie a folder too deep', splitFolder, `${only}/${nested}/`);
    }
    throw faulty('an image folder has one class only', splitFolder, `'${only}'`);
  }
  return classes;
}

function requireSameClasses(
  train: readonly string[],
  test: readonly string[],
  testFolder: string,
): void {
  const lacking = train.filter((name) => !test.includes(name));
  const extra = test.filter((name) => !train.includes(name));
  if (lacking.length === 0 && extra.length === 0) return;
  const parts = [
    ...(lacking.length === 0 ? [] : [`no ${shortList(lacking)}`]),
    ...(extra.length === 0 ? [] : [`${shortList(extra)} that train lacks`]),
  ];
  throw faulty('the two splits have different classes', testFolder, parts.join(', and '));
}

function readSplit(
  root: string,
  name: string,
  classes: readonly string[],
  perClass: number | undefined,
): FolderSplit {
  if (perClass !== undefined) checkPerClass(perClass, `${root}, ${name}`);
  const files: string[] = [];
  const labels: number[] = [];
  classes.forEach((className, label) => {
    const folder = join(root, name, className);
    const images = imagesOf(folder);
    if (perClass !== undefined && images.length < perClass) {
      const found = `${images.length}, asked for ${perClass}`;
      throw faulty('a class has fewer images than were asked for', folder, found);
    }
    for (const image of images.slice(0, perClass)) {
      files.push(join(folder, image));
      labels.push(label);
    }
  });
  return { name, files, labels };
}

function imagesOf(folder: string): string[] {
  const names = entriesOf(folder).map(({ name }) => name);
  // A link that leads nowhere counts: passed over, an image would be missing without a word.
  const images = names.filter((name) => isImage(name) && !isFolder(join(folder, name)));
  if (images.length > 0) return images;
  const nested = names.find((name) => isFolder(join(folder, name)));
  if (nested !== undefined) {
    throw faulty('a class folder holds folders, not images', folder, `${nested}/`);
  }
  const found = names.length === 0 ? 'nothing' : shortList(names);
  throw faulty('a class folder has no images', folder, found);
}

/** Entries that are not hidden, in the order of their names' UTF-16 codes. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw faulty('an image folder cannot be read', folder, String(error));
  }
}

function isImage(name: string): boolean {
  return extensions.includes(extname(name).toLowerCase());
}

function shortList(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${names.slice(0, 3).join(', ')}${more}`;
}

function faulty(what: string, where: string, found: string): LabError {
  return dataError`${what} (${where}): found ${found}. ${layoutRemedy}`;
}

/** What the name of an image folder begins with. */
export const folderPrefix = 'folder:';
const defaultImageSize = 32;
const largestImageSize = 4096;
/** Share of the machine's memory that decoded images may take. */
const memoryShare = 0.8;

/**
 * Loads JPEG and PNG images laid out as `train/CLASS/…` and `val/CLASS/…` or `test/CLASS/…`, scaled
 * and cut to `imageSize` (default 32). The statistics are those of the train split. Everything is
 * held in memory.
 *
 * @param name - `folder:PATH`
 * @throws LabError of kind `data` when layout or an image is faulty, or memory would not suffice.
 */
export async function loadFolder(
  name: string,
  { imageSize: size = defaultImageSize, subset, onProgress }: Omit<LoadContext, 'dataDir'>,
): Promise<ImageDataset> {
  const root = folderPath(name);
  requireImageSize(size);
  const { classes, train, test } = readFolderLayout(root, subset);
  requireMemory(root, train.files.length + test.files.length, size);
  const dataset = assembleDataset(name, {
    classes,
    height: size,
    width: size,
    train: await decodeSplit(train, size, onProgress),
    test: await decodeSplit(test, size, onProgress),
  });
  return { ...dataset, name: nameWithSubset(name, subset) };
}

/** @throws LabError of kind `option` when no path follows `folder:`. */
function folderPath(name: string): string {
  const path = name.slice(folderPrefix.length);
  if (path !== '') return resolve(withHome(path));
  throw optionError`an image folder is named without a path: found '${name}'. Write folder:PATH, for instance folder:images/flowers`;
}

/** Decodes all files with as many at once as there are processors. */
async function decodeSplit(
  { name, files, labels }: FolderSplit,
  size: number,
  onProgress: OnDataProgress | undefined,
): Promise<ImageSplit> {
  const imageBytes = size * size * 3;
  const images = new Uint8Array(files.length * imageBytes);
  let next = 0;
  let done = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (!failed) {
      const index = next++;
      const file = files[index];
      if (file === undefined) return;
      try {
        images.set(await decodeImage(file, size), index * imageBytes);
      } catch (error) {
        failed = true;
        throw error;
      }
      done += 1;
      onProgress?.({ message: `decoding ${name}`, unit: 'images', done, total: files.length });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return { images, labels: Int32Array.from(labels), count: files.length };
}

function requireImageSize(size: number): void {
  if (Number.isInteger(size) && size >= 1 && size <= largestImageSize) return;
  throw optionError`the image size is not a whole number from 1 to ${largestImageSize}: found ${String(size)}. Give a size such as 32, 64 or 224`;
}

function requireMemory(root: string, count: number, size: number): void {
  const needed = count * size * size * 3;
  const available = totalmem() * memoryShare;
  if (needed <= available) return;
  throw dataError`the decoded images would not fit into memory (${root}): found ${count} images of ${size}×${size}: ${gibibytes(needed)} of ${gibibytes(available)}. Take a smaller image size or a part of each class`;
}

/** An image folder, `folder:PATH`, as if it were an entry of the registry. */
export function folderSource(name: string): DataSource {
  const path = folderPath(name);
  const describe = (): string => {
    const { classes, train, test } = readFolderLayout(path);
    const counts = `${train.files.length} + ${test.files.length} images`;
    return `${counts} in ${classes.length} classes (train, ${test.name})`;
  };
  return {
    name,
    title: `Images in ${path}`,
    downloads: new Map(),
    async status() {
      try {
        return { name, state: 'present', form: 'image folder', path, detail: describe() };
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        return { name, state: 'broken', path, detail: error.problem, fix: error.fix };
      }
    },
    async verify() {
      return { official: null, detail: describe(), form: 'image folder', path };
    },
    load: (context) => loadFolder(name, context),
  };
}
