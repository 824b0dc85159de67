import { LabError } from '../../errors';
import type { IdxArray } from '../../formats/idx';
import { firstOfEachClass } from '../subset';

/** Images and labels of one split, as idx arrays. */
export interface LabelledIdx {
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
    throw new LabError({
      kind: 'data',
      what: 'images and labels do not belong together',
      where,
      found: `${count} images and labels of shape [${labels.shape.join(', ')}]`,
      remedy: 'Give the folder with both files of one data set',
    });
  }
  const indices = firstOfEachClass(labels.data, classCount, perClass, where);
  const bytes = images.data.length / count;
  const chosen = new Uint8Array(indices.length * bytes);
  indices.forEach((index, place) => {
    chosen.set(images.data.subarray(index * bytes, (index + 1) * bytes), place * bytes);
  });
  return {
    images: { shape: [indices.length, ...size], data: chosen },
    labels: {
      shape: [indices.length],
      data: Uint8Array.from(indices, (index) => labels.data[index] ?? 0),
    },
  };
}
