import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isFolder } from '../../data/paths';
import { dataError, fileError } from '../../errors';
import {
  type CocoAnnotation,
  type CocoAnnotations,
  type CocoCategory,
  type CocoImage,
  faultList,
  readAnnotations,
  requireSameCategories,
} from './annotations';
import type { CocoDataset, CocoEntry } from './data';
import { decodeFile } from './images';

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
    throw dataError`a data set has no image with an object (${groundTruth.file}): found ${entries.length} images, ${groundTruth.annotations.length} annotations. Give annotations with at least one object that is no crowd`;
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

/** Where annotations and images lie. */
export interface CocoSource {
  /** `…/annotations/instances_train2017.json` */
  readonly annotations: string;
  /** The folder that holds the images by the names of the annotations: `…/train2017`. */
  readonly images: string;
  /** Those of the training set, which a validation set must share: labels are places among them. */
  readonly categories?: { readonly of: string; readonly categories: readonly CocoCategory[] };
}

/**
 * Reads COCO 2017 or any data set in its form. Images are only looked for; they are decoded when a
 * batch needs them.
 *
 * @throws LabError as `readAnnotations` does; of kind `data` for images without a file and for categories
 * that differ from `categories`.
 */
export function loadCoco({ annotations, images, categories }: CocoSource): CocoDataset {
  const { notes, ...groundTruth } = readAnnotations(annotations);
  if (categories) requireSameCategories(groundTruth, categories);
  const unused = requireFiles(groundTruth, images);
  return datasetOf({
    name: basename(annotations),
    groundTruth,
    hash: hashAnnotations(groundTruth),
    notes: [...notes, ...withoutObjects(groundTruth), ...unused],
    decode: (entry, size) => decodeFile(join(images, entry.fileName), entry, size),
  });
}

/** Checks that each image has its file; gives a note when the folder holds more. */
function requireFiles({ file, images }: CocoAnnotations, folder: string): string[] {
  if (!isFolder(folder)) {
    throw fileError`no such folder of images (${folder}). Give the folder that holds the images of ${file}`;
  }
  const present = new Set(readdirSync(folder));
  const faults = faultList();
  for (const { id, fileName } of images) {
    const found = present.delete(fileName) || existsSync(join(folder, fileName));
    if (!found) faults.add('images without a file', `${fileName} (image ${id})`);
  }
  faults.throwIfAny(
    (found) =>
      dataError`the images of an annotation file are missing in ${folder} (${file}): found ${found}. Unpack the images there, or give the folder that holds them`,
  );
  const others = [...present].filter((name) => /\.(jpe?g|png)$/iu.test(name));
  return others.length === 0
    ? []
    : [`${folder}: not in ${file} and not used: ${firstOf(others, 'image')}`];
}

/** A note on images that nothing is to be found in. */
function withoutObjects({ file, images, annotations }: CocoAnnotations): string[] {
  const withObjects = new Set(annotations.map(({ imageId }) => imageId));
  const empty = images.filter(({ id }) => !withObjects.has(id));
  const names = empty.map(({ id, fileName }) => `${fileName} (image ${id})`);
  return empty.length === 0
    ? []
    : [`${file}: without an annotation, for evaluation only: ${firstOf(names, 'image')}`];
}

/** `2 images: a.png, b.png`; the first three of many. */
function firstOf(names: readonly string[], what: string): string {
  const shown = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ', …' : '';
  return `${names.length} ${what}${names.length === 1 ? '' : 's'}: ${shown}${more}`;
}

function hashAnnotations({ categories, images, annotations }: CocoAnnotations): string {
  const hash = createHash('sha256');
  for (const list of [categories, images, annotations]) {
    // One by one: as one text the annotations of a large set would not fit into a string.
    for (const item of list) hash.update(JSON.stringify(item));
    hash.update('\n');
  }
  return hash.digest('hex');
}
