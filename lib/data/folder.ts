import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { LabError } from '../errors';
import { assembleDataset } from './assemble';
import { decodeImage } from './decode-image';
import { readFolderLayout, type FolderSplit } from './folder-layout';
import type { OnDataProgress } from './progress';
import type { LoadContext } from './source';
import { nameWithSubset } from './subset';
import type { ImageDataset, ImageSplit } from './types';

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
export function folderPath(name: string): string {
  const path = name.slice(folderPrefix.length);
  if (path !== '') return resolve(path);
  throw new LabError({
    kind: 'option',
    what: 'an image folder is named without a path',
    found: `'${name}'`,
    remedy: 'Write folder:PATH, for instance folder:images/flowers',
  });
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
  throw new LabError({
    kind: 'option',
    what: `the image size is not a whole number from 1 to ${largestImageSize}`,
    found: String(size),
    remedy: 'Give a size such as 32, 64 or 224',
  });
}

function requireMemory(root: string, count: number, size: number): void {
  const needed = count * size * size * 3;
  const available = totalmem() * memoryShare;
  if (needed <= available) return;
  const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  throw new LabError({
    kind: 'data',
    what: 'the decoded images would not fit into memory',
    where: root,
    found: `${count} images of ${size}×${size}: ${gibibytes(needed)} of ${gibibytes(available)}`,
    remedy: 'Take a smaller image size or a part of each class',
  });
}
