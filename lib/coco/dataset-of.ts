import { LabError } from '../errors';
import type { CocoDataset, CocoEntry } from './data';
import type { CocoAnnotation, CocoImage } from './types';

/**
 * A data set from its annotations: categories in the order of their numbers, the objects of each image
 * as corners cut at its edges, crowds left out.
 *
 * @throws LabError of kind `data` when there is no image, or no object to learn from.
 */
export function datasetOf({
  groundTruth,
  ...given
}: Pick<CocoDataset, 'name' | 'groundTruth' | 'hash' | 'notes' | 'decode'>): CocoDataset {
  const categories = [...groundTruth.categories].sort((a, b) => a.id - b.id);
  const labels = new Map(categories.map(({ id }, label) => [id, label]));
  const byImage = new Map<number, CocoAnnotation[]>();
  for (const annotation of groundTruth.annotations) {
    if (annotation.crowd) continue;
    const known = byImage.get(annotation.imageId);
    if (known) known.push(annotation);
    else byImage.set(annotation.imageId, [annotation]);
  }
  const entries = groundTruth.images.map((image) =>
    entryOf(image, byImage.get(image.id) ?? [], labels),
  );
  const training = Int32Array.from(
    entries.flatMap(({ labels: { length } }, index) => (length > 0 ? [index] : [])),
  );
  if (training.length === 0) {
    throw new LabError({
      kind: 'data',
      what: 'a data set has no image with an object',
      where: groundTruth.file,
      found: `${entries.length} images, ${groundTruth.annotations.length} annotations`,
      remedy: 'Give annotations with at least one object that is no crowd',
    });
  }
  const classes = categories.map(({ name }) => name);
  return { ...given, groundTruth, categories, classes, entries, training };
}

function entryOf(
  image: CocoImage,
  annotations: readonly CocoAnnotation[],
  labels: ReadonlyMap<number, number>,
): CocoEntry {
  const { width, height } = image;
  const boxes = new Float32Array(4 * annotations.length);
  annotations.forEach(({ box: [x, y, w, h] }, index) => {
    const within = (value: number, side: number): number => Math.min(Math.max(value, 0), side);
    const corners = [
      within(x, width),
      within(y, height),
      within(x + w, width),
      within(y + h, height),
    ];
    boxes.set(corners, 4 * index);
  });
  return {
    ...image,
    boxes,
    labels: Int32Array.from(annotations, ({ categoryId }) => labels.get(categoryId) ?? -1),
  };
}
