import { dataError, optionError } from '../errors';
import type { RemoteFile } from './download';
import type { OnDataProgress } from './progress';

/** One split of an image data set, decoded: pixels as bytes, channels last. */
export interface ImageSplit {
  /** `count × height × width × 3` bytes, row-major, RGB. */
  readonly images: Uint8Array;
  /** `count` class indices. */
  readonly labels: Int32Array;
  readonly count: number;
}

/** A data set as training and evaluation see it, whatever file it came from. */
export interface ImageDataset {
  /** As the user names it: `fashion-mnist`, `cifar100`, `folder:PATH`. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly train: ImageSplit;
  readonly test: ImageSplit;
  /** Per-channel mean and standard deviation of pixels scaled to [0, 1], used to normalise. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /**
   * SHA-256 over shapes, class names, pixels and labels of both splits, and over the normalisation where that is
   * neither the train split's own nor the usual one of a data set of this name.
   */
  readonly hash: string;
}

/** How many images of each class to keep of a split; a split that is not named stays whole. */
export interface Subset {
  readonly train?: number;
  readonly test?: number;
}

/** The name of a data set of which a part is used: `cifar100[train=100/class]`. */
export function nameWithSubset(name: string, subset: Subset = {}): string {
  const parts = (['train', 'test'] as const).flatMap((split) =>
    subset[split] === undefined ? [] : [`${split}=${subset[split]}/class`],
  );
  return parts.length === 0 ? name : `${name}[${parts.join(',')}]`;
}

/**
 * Indices of the first `perClass` records of each class, in their own order.
 *
 * @throws LabError of kind `data` when a class has fewer.
 */
export function firstOfEachClass(
  labels: Int32Array | Uint8Array,
  classCount: number,
  perClass: number,
  where: string,
): number[] {
  checkPerClass(perClass, where);
  const taken = new Int32Array(classCount);
  const indices: number[] = [];
  labels.forEach((label, index) => {
    const count = taken[label] ?? perClass;
    if (count >= perClass) return;
    taken[label] = count + 1;
    indices.push(index);
  });
  const short = taken.findIndex((count) => count < perClass);
  if (short >= 0) {
    throw dataError`class ${short} has fewer images than were asked for (${where}): found ${taken[short]}, asked for ${perClass}. Ask for at most ${Math.min(...taken)} images a class`;
  }
  return indices;
}

/** @throws LabError of kind `option` unless it is a whole number of at least 1. */
export function checkPerClass(perClass: number, where: string): void {
  if (Number.isSafeInteger(perClass) && perClass >= 1) return;
  throw optionError`the number of images a class is not a whole number of at least 1 (${where}): found ${String(perClass)}. Give a number such as 100`;
}

/** The records of a split at these indices, copied. */
export function selectRecords(split: ImageSplit, indices: readonly number[]): ImageSplit {
  const size = split.images.length / split.count;
  const images = new Uint8Array(indices.length * size);
  const labels = new Int32Array(indices.length);
  indices.forEach((index, at) => {
    images.set(split.images.subarray(index * size, (index + 1) * size), at * size);
    labels[at] = split.labels[index] ?? -1;
  });
  return { images, labels, count: indices.length };
}

/** What `npm run data` and the doctor say about one data set. */
export interface DatasetStatus {
  readonly name: string;
  readonly state: 'embedded' | 'present' | 'missing' | 'broken';
  /** `binary folder`, `python archive`, … */
  readonly form?: string;
  readonly path?: string;
  /** One line for a reader. */
  readonly detail: string;
  /** The command or step that mends it, when something is to be mended. */
  readonly fix?: string;
}

/** What a full check found; a check that fails throws instead. */
export interface DatasetVerification extends Pick<DatasetStatus, 'form' | 'path'> {
  /** Whether the bytes are those of the official files; null when nothing official is known of them. */
  readonly official: boolean | null;
  readonly detail: string;
}

/** Where and how to load. */
export interface LoadContext {
  /** Absolute. */
  readonly dataDir: string;
  readonly imageSize?: number | undefined;
  readonly subset?: Subset | undefined;
  readonly onProgress?: OnDataProgress | undefined;
}

/** One data set, or another thing that is fetched into the data directory: one entry of the registry. */
export interface DataSource {
  readonly name: string;
  /** One line: what it is. */
  readonly title: string;
  /** What can be downloaded, by form; the first is the default. Empty when there is nothing to. */
  readonly downloads: ReadonlyMap<string, RemoteFile>;
  /** What is there of it, without reading images. */
  readonly status: (dataDir: string) => Promise<DatasetStatus>;
  /** Compares what is there with the official files. */
  readonly verify: (dataDir: string) => Promise<DatasetVerification>;
  /** Absent for things that are no data set, such as weights. */
  readonly load?: (context: LoadContext) => Promise<ImageDataset>;
}
