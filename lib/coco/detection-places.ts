import { faultList } from './fault-list';
import type { CocoAnnotation, CocoAnnotations, CocoCategory, CocoDetection } from './types';

/** Things with the places of their categories and images. */
export interface Placed<Thing> {
  readonly kept: readonly Thing[];
  readonly categories: Int32Array;
  readonly images: Int32Array;
}

export interface EvaluationPlaces {
  /** By rising number. */
  readonly categories: readonly CocoCategory[];
  /** How many images are evaluated. */
  readonly images: number;
  readonly detections: Placed<CocoDetection>;
  readonly objects: Placed<CocoAnnotation>;
}

/**
 * Numbers categories and images by their rising official numbers, and finds the place of each
 * detection and object.
 *
 * @param imageIds evaluates only these; what is on other images is left out
 * @throws LabError of kind `data` that names detections of unknown images or categories, or with numbers
 * that are none.
 */
export function placesOfDetections(
  groundTruth: CocoAnnotations,
  detections: readonly CocoDetection[],
  imageIds?: readonly number[],
): EvaluationPlaces {
  const categories = [...groundTruth.categories].sort((a, b) => a.id - b.id);
  const allImages = new Set(groundTruth.images.map(({ id }) => id));
  const faults = faultList();
  const wanted = imageIds === undefined ? [...allImages] : [...new Set(imageIds)];
  for (const id of wanted) {
    if (!allImages.has(id)) faults.add('images that are not in the annotations', `image ${id}`);
  }
  const categoryPlaces = placesOf(categories.map(({ id }) => id));
  const imagePlaces = placesOf(wanted.sort((a, b) => a - b));

  for (const [index, { imageId, categoryId, box, score }] of detections.entries()) {
    const place = `detection ${index + 1}`;
    if (!allImages.has(imageId)) {
      faults.add(
        'detections on images that are not in the annotations',
        `${place}: image ${imageId}`,
      );
    }
    if (!categoryPlaces.has(categoryId)) {
      faults.add('detections of unknown categories', `${place}: category ${categoryId}`);
    }
    if (!Number.isFinite(score) || !box.every(Number.isFinite)) {
      faults.add('detections with a number that is none', `${place}: image ${imageId}`);
    }
  }
  faults.throwIfAny({
    what: 'the detections do not fit the annotations',
    where: groundTruth.file,
    remedy:
      'Detections name images and categories by the numbers of the annotation file (a contiguous label is not a COCO category number)',
  });
  const placed = <Thing extends { imageId: number; categoryId: number }>(
    things: readonly Thing[],
  ): Placed<Thing> => {
    const kept =
      imageIds === undefined ? things : things.filter(({ imageId }) => imagePlaces.has(imageId));
    return {
      kept,
      categories: Int32Array.from(kept, ({ categoryId }) => categoryPlaces.get(categoryId) ?? 0),
      images: Int32Array.from(kept, ({ imageId }) => imagePlaces.get(imageId) ?? 0),
    };
  };
  return {
    categories,
    images: wanted.length,
    detections: placed(detections),
    objects: placed(groundTruth.annotations),
  };
}

function placesOf(ids: readonly number[]): ReadonlyMap<number, number> {
  return new Map(ids.map((id, place) => [id, place]));
}
