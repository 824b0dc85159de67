import { LabError } from '../errors';
import type { ImageSplit } from './types';

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
    throw new LabError({
      kind: 'data',
      what: `class ${short} has fewer images than were asked for`,
      where,
      found: `${taken[short]}, asked for ${perClass}`,
      remedy: `Ask for at most ${Math.min(...taken)} images a class`,
    });
  }
  return indices;
}

/** @throws LabError of kind `option` unless it is a whole number of at least 1. */
export function checkPerClass(perClass: number, where: string): void {
  if (Number.isSafeInteger(perClass) && perClass >= 1) return;
  throw new LabError({
    kind: 'option',
    what: 'the number of images a class is not a whole number of at least 1',
    where,
    found: String(perClass),
    remedy: 'Give a number such as 100',
  });
}

/** The records of a split at these indices, copied. */
export function selectRecords(split: ImageSplit, indices: readonly number[]): ImageSplit {
  const size = split.images.length / split.count;
  const images = new Uint8Array(indices.length * size);
  const labels = new Int32Array(indices.length);
  indices.forEach((index, place) => {
    images.set(split.images.subarray(index * size, (index + 1) * size), place * size);
    labels[place] = split.labels[index] ?? -1;
  });
  return { images, labels, count: indices.length };
}
