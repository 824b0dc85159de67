import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { dataError, LabError } from '../errors';
import { readBytes, sha256 } from '../files';
import { type IdxArray, readIdx } from '../formats/idx';
import { packageRoot } from '../package-root';
import { assembleDataset } from './batches';
import { requireFixedSize } from './images';
import {
  type DataSource,
  firstOfEachClass,
  type ImageDataset,
  type ImageSplit,
  selectRecords,
  type Subset,
} from './source';

/** Images and labels of one split, as idx arrays. */
interface LabelledIdx {
  readonly images: IdxArray;
  readonly labels: IdxArray;
}

/**
 * The first `perClass` images of each class, in the order in which they lie.
 *
 * @throws LabError of kind `data` when the arrays do not belong together or a class has fewer.
 */
export function balancedSplit(
  { images, labels }: LabelledIdx,
  classCount: number,
  perClass: number,
  where: string,
): LabelledIdx {
  const [count = 0, ...size] = images.shape;
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw dataError`images and labels do not belong together (${where}): found ${count} images and labels of shape [${labels.shape.join(', ')}]. Give the folder with both files of one data set`;
  }
  const indices = firstOfEachClass(labels.data, classCount, perClass, where);
  const original = { images: images.data, labels: Int32Array.from(labels.data), count };
  const chosen = selectRecords(original, indices);
  return {
    images: { shape: [indices.length, ...size], data: chosen.images },
    labels: { shape: [indices.length], data: Uint8Array.from(chosen.labels) },
  };
}

/** Class names of Fashion-MNIST, by label. */
export const fashionClasses: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

/** The committed files and what they must hash to; `reproduce/make-fashion-mnist.ts` makes them. */
export const fashionFiles: Readonly<Record<string, string>> = {
  'train-images-idx3-ubyte.gz': 'd6b89b47484bd3612655153789fee84471338e432b31ae049a3e85cdc274d116',
  'train-labels-idx1-ubyte.gz': '326104724a8567d9b2fdd8cdad7b90ee01a3fb97d2b075697e2f0f8e57c3db13',
  'test-images-idx3-ubyte.gz': 'eba41845cc0189bddc464f252e42085a0ceef2b960d608bd2780a9313dfd2ecd',
  'test-labels-idx1-ubyte.gz': '723796dfebc76a3bcae53f5b9be602ddf7ddb019ddf25ac429fef730c0f45e75',
};

/** Images a class that the package holds of each split. */
export const fashionPerClass = { train: 1000, test: 200 } as const;

const name = 'fashion-mnist';
/** More than any of the files unpacks to. */
const largest = 2 ** 25;
/** The side of the images as they are made, and after padding with black. */
const originalSide = 28;
const side = 32;

/** Where the embedded files lie. */
export function fashionFolder(): string {
  return join(packageRoot(), 'data', 'fashion-mnist');
}

/**
 * The embedded Fashion-MNIST: 10,000 + 2,000 grey images of 28×28, padded with zeros to 32×32 and
 * repeated to three channels.
 *
 * @throws LabError of kind `data` when a file is missing or is not the one that was published.
 */
export function loadFashionMnist({
  folder = fashionFolder(),
  subset,
}: { folder?: string; subset?: Subset | undefined } = {}): ImageDataset {
  const decoded = {
    classes: fashionClasses,
    height: side,
    width: side,
    train: readSplit(folder, 'train'),
    test: readSplit(folder, 'test'),
  };
  return assembleDataset(name, decoded, { subset });
}

/** The two arrays of a split of the embedded files, their hashes checked. */
export function readFashionArrays(folder: string, split: 'train' | 'test'): LabelledIdx {
  return {
    images: readChecked(folder, `${split}-images-idx3-ubyte.gz`),
    labels: readChecked(folder, `${split}-labels-idx1-ubyte.gz`),
  };
}

function readSplit(folder: string, split: 'train' | 'test'): ImageSplit {
  const { images, labels } = readFashionArrays(folder, split);
  return {
    images: padToColour(images.data, labels.data.length),
    labels: Int32Array.from(labels.data),
    count: labels.data.length,
  };
}

function readChecked(folder: string, name: string): IdxArray {
  const path = join(folder, name);
  const bytes = readBytes(path, (found) =>
    damaged('an embedded data file cannot be read', path, found),
  );
  const found = sha256(bytes);
  const expected = fashionFiles[name] ?? '';
  if (found === expected) return readIdx(gunzipSync(bytes, { maxOutputLength: largest }), path);
  const what = 'an embedded data file is not the published one';
  throw damaged(what, path, `SHA-256 ${found}, expected ${expected}`);
}

/** Centres 28×28 grey images in black 32×32 ones of three equal channels. */
function padToColour(grey: Uint8Array, count: number): Uint8Array {
  const border = (side - originalSide) / 2;
  const images = new Uint8Array(count * side * side * 3);
  let read = 0;
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < originalSide; row++) {
      const start = ((image * side + row + border) * side + border) * 3;
      for (let column = 0; column < originalSide; column++, read++) {
        const write = start + 3 * column;
        const value = grey[read] ?? 0;
        images[write] = value;
        images[write + 1] = value;
        images[write + 2] = value;
      }
    }
  }
  return images;
}

function damaged(what: string, where: string, found: string): LabError {
  return dataError`${what} (${where}): found ${found}. Install the package again, or check the file out again: \`git checkout -- data\``;
}

/** The embedded Fashion-MNIST as an entry of the registry. */
export const fashionMnistSource: DataSource = {
  name,
  title: 'Fashion-MNIST: 10,000 + 2,000 real images, padded to 32×32, 10 classes',
  downloads: new Map(),
  async status() {
    const place = { name, form: 'idx', path: fashionFolder() };
    try {
      checkFiles();
      return { ...place, state: 'embedded', detail: 'part of this package, SHA-256 as published' };
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      return { ...place, state: 'broken', detail: error.problem, fix: error.fix };
    }
  },
  async verify() {
    checkFiles();
    const detail = `SHA-256 of ${Object.keys(fashionFiles).length} files as published here`;
    return { official: true, detail, form: 'idx', path: fashionFolder() };
  },
  async load({ imageSize, subset }) {
    requireFixedSize(name, { width: side, height: side }, imageSize);
    return loadFashionMnist({ subset });
  },
};

function checkFiles(): void {
  readFashionArrays(fashionFolder(), 'train');
  readFashionArrays(fashionFolder(), 'test');
}
