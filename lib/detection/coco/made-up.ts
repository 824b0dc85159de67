import { type Random, random } from '../../engine/random';
import type { CocoAnnotation, CocoAnnotations, CocoBox, CocoDetection } from './annotations';

export interface MadeUpOptions {
  readonly seed: number;
  readonly images: number;
  /** Objects in all. */
  readonly objects: number;
  /** Detections of each image. */
  readonly detections: number;
  readonly categories: number;
}

/** val2017's measures, with as many detections as COCO evaluates. */
export const madeUpVal2017: MadeUpOptions = {
  seed: 1,
  images: 5000,
  objects: 36_000,
  detections: 100,
  categories: 80,
};

/** One object in so many is a crowd, as in val2017. */
const crowdEvery = 80;
/** Detections of an image that are a shifted object; the others lie anywhere. */
const foundShare = 0.4;

/**
 * Objects and detections that nobody ever saw, for timing and testing an evaluation: sizes of every
 * range, crowds, images without objects, category numbers with gaps, and scores of three digits, so that
 * many are equal.
 */
export function madeUpDetections({
  seed,
  images,
  objects,
  detections,
  categories,
}: MadeUpOptions): {
  groundTruth: CocoAnnotations;
  detections: CocoDetection[];
} {
  const from = random(seed, 'coco', 'made up');
  const groundTruth: CocoAnnotations = {
    file: 'made up',
    categories: Array.from({ length: categories }, (_, index) => ({
      id: index + 1 + Math.floor(index / 9),
      name: `category ${index + 1}`,
    })),
    images: Array.from({ length: images }, (_, index) => ({
      id: 7 * index + 3,
      fileName: `${String(index + 1).padStart(12, '0')}.jpg`,
      width: 640,
      height: 480,
    })),
    annotations: [],
  };
  const idOf = <Thing extends { readonly id: number }>(things: readonly Thing[]): number =>
    things[from.integer(things.length)]?.id ?? 0;
  const annotations = Array.from({ length: objects }, (_, index): CocoAnnotation => {
    const box = anyBox(from);
    return {
      id: index + 1,
      imageId: idOf(groundTruth.images),
      categoryId: idOf(groundTruth.categories),
      box,
      area: rounded(box[2] * box[3] * (0.5 + from.uniform() / 2)),
      crowd: index % crowdEvery === crowdEvery - 1,
    };
  });
  const byImage = new Map<number, CocoAnnotation[]>();
  for (const annotation of annotations) {
    byImage.set(annotation.imageId, [...(byImage.get(annotation.imageId) ?? []), annotation]);
  }
  const found = groundTruth.images.flatMap(({ id: imageId }) => {
    const present = byImage.get(imageId) ?? [];
    return Array.from({ length: detections }, (): CocoDetection => {
      const object =
        from.uniform() < foundShare ? present[from.integer(present.length)] : undefined;
      const score = Math.round(1000 * from.uniform()) / 1000;
      if (object === undefined) {
        return { imageId, categoryId: idOf(groundTruth.categories), box: anyBox(from), score };
      }
      return { imageId, categoryId: object.categoryId, box: shifted(object.box, from), score };
    });
  });
  return { groundTruth: { ...groundTruth, annotations }, detections: found };
}

function anyBox(from: Random): CocoBox {
  const width = Math.exp(2 + 4 * from.uniform());
  const height = Math.exp(2 + 4 * from.uniform());
  const x = from.uniform() * Math.max(1, 640 - width);
  const y = from.uniform() * Math.max(1, 480 - height);
  return [rounded(x), rounded(y), rounded(width), rounded(height)];
}

function shifted([x, y, width, height]: CocoBox, from: Random): CocoBox {
  const spread = 0.15 * from.uniform();
  return [
    rounded(x + spread * width * from.normal()),
    rounded(y + spread * height * from.normal()),
    rounded(width * Math.exp(spread * from.normal())),
    rounded(height * Math.exp(spread * from.normal())),
  ];
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
