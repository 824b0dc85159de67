import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { dataError } from '../../errors';
import { type FolderSplit, readFolderLayout } from '../folder';
import type { Subset } from '../source';

/** Of ImageNet itself; more is taken for a mistake in the layout. */
const mostClasses = 1000;
/** Data sets up to this size are told apart by what the files hold, larger ones by their sizes. */
const hashedUpTo = 64 * 2 ** 20;

/** One split of an image folder: its files by class, then by name. */
export interface FileSplit {
  /** `train`, `val` or `test`. */
  readonly name: string;
  /** Absolute or relative as the folder's own path was given. */
  readonly files: readonly string[];
  readonly bytes: readonly number[];
  readonly labels: Int32Array;
}

/** An image folder in ImageNet's layout, listed but not read. */
export interface ImageFolder {
  readonly root: string;
  /** In the order of their names, which for WordNet ids is ImageNet's own. */
  readonly classes: readonly string[];
  readonly train: FileSplit;
  readonly test: FileSplit;
}

/**
 * Lists an image folder, `train/CLASS/…` and `val/CLASS/…`, with the size of every file.
 *
 * @throws LabError of kind `data` as `readFolderLayout` does, for more than 1,000 classes, and for files
 *   that cannot be looked at.
 */
export function readImageFolder(root: string, subset: Subset = {}): ImageFolder {
  const { classes, train, test } = readFolderLayout(root, subset);
  if (classes.length > mostClasses) {
    throw dataError`an image folder has more than ${mostClasses} classes (${root}): found ${classes.length} folders in train. Each folder in train/ must be a class; leave some out`;
  }
  return { root, classes, train: withSizes(train), test: withSizes(test) };
}

/**
 * SHA-256 over a line of JSON (the classes and the kind of digest), then a line for each file of the train
 * split and of the test split: its path in the folder, its size, and, where all files together are at most
 * 64 MiB, the SHA-256 of what it holds. A larger data set is told apart by names and sizes alone.
 */
export function hashImageFolder({ root, classes, train, test }: ImageFolder): string {
  const byContent = totalBytes(train) + totalBytes(test) <= hashedUpTo;
  const hash = createHash('sha256').update(`${JSON.stringify({ classes, byContent })}\n`);
  for (const { files, bytes } of [train, test]) {
    files.forEach((file, index) => {
      const content = byContent ? ` ${digestOf(file)}` : '';
      const name = relative(root, file).split(sep).join('/');
      hash.update(`${JSON.stringify(name)} ${bytes[index] ?? 0}${content}\n`);
    });
  }
  return hash.digest('hex');
}

/** The folder without some of its files. */
export function withoutFiles(folder: ImageFolder, left: ReadonlySet<string>): ImageFolder {
  const kept = ({ name, files, bytes, labels }: FileSplit): FileSplit => {
    const stays = files.map((file) => !left.has(file));
    return {
      name,
      files: files.filter((_, index) => stays[index]),
      bytes: bytes.filter((_, index) => stays[index]),
      labels: labels.filter((_, index) => stays[index]),
    };
  };
  return { ...folder, train: kept(folder.train), test: kept(folder.test) };
}

function totalBytes({ bytes }: FileSplit): number {
  return bytes.reduce((sum, each) => sum + each, 0);
}

function withSizes({ name, files, labels }: FolderSplit): FileSplit {
  const bytes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return { name, files, bytes, labels: Int32Array.from(labels) };
}

function digestOf(file: string): string {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch (error) {
    throw dataError.because(
      error,
    )`an image cannot be read (${file}): found ${String(error)}. Check that you may read it`;
  }
}
