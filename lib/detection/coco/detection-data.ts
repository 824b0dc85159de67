import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileError } from '../../errors';
import type { CocoDataset } from './data';
import { loadCoco } from './load';
import { shapesDataset } from './shapes';

/** The two parts of a detector's data. */
export interface DetectionData {
  readonly name: string;
  readonly training: CocoDataset;
  readonly evaluation: CocoDataset;
}

/** How many images are drawn for each part. */
export interface ShapesSize {
  readonly training: number;
  readonly evaluation: number;
}

/** Images of the made-up set unless told: as many as learn to find its shapes in minutes. */
const shapes = { training: 64, evaluation: 32 } as const;
const seed = 1;

/** The made-up set of shapes, for a machine without COCO. */
export function shapesData({ training, evaluation } = shapes as ShapesSize): DetectionData {
  const usual = training === shapes.training && evaluation === shapes.evaluation;
  return {
    name: usual ? 'shapes' : `shapes-${training}-${evaluation}`,
    training: shapesDataset({ images: training, seed, split: 'train' }),
    evaluation: shapesDataset({ images: evaluation, seed, split: 'val' }),
  };
}

/** Where COCO's archives unpack the images to; `images/` is what some copies put before it. */
const imageFolders = (split: string): string[] => [`${split}2017`, join('images', `${split}2017`)];

/**
 * COCO 2017, or a set in its form and layout: `annotations/instances_{train,val}2017.json`, and the images
 * in `train2017` and `val2017`, or in `images/train2017` and `images/val2017`.
 *
 * @throws LabError when the layout, an annotation file or the two files' categories are faulty.
 */
export function cocoData(folder: string, name = 'coco'): DetectionData {
  const training = loadCoco({
    annotations: annotationsOf(folder, 'train'),
    images: imagesOf(folder, 'train'),
  });
  const evaluation = loadCoco({
    annotations: annotationsOf(folder, 'val'),
    images: imagesOf(folder, 'val'),
    categories: { of: annotationsOf(folder, 'train'), categories: training.categories },
  });
  return { name, training, evaluation };
}

/** The file of a split's annotations. */
export function annotationsOf(folder: string, split: string): string {
  return join(folder, 'annotations', `instances_${split}2017.json`);
}

/** The folder of a split's images, wherever it lies. @throws LabError of kind `file` where there is none. */
export function imagesOf(folder: string, split: string): string {
  const places = imageFolders(split).map((place) => join(folder, place));
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw fileError`the folder has no ${split} images (${folder}): found neither ${imageFolders(split).join(' nor ')}. Name a folder that holds annotations/, train2017/ and val2017/, as COCO’s archives unpack`;
}
