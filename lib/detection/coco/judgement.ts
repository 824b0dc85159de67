import type { CocoAnnotation, CocoBox, CocoDetection } from './annotations';
import { overlap } from './matching';

/** A detection of one image, and whether it found an object. */
export interface JudgedDetection {
  readonly detection: CocoDetection;
  /** `crowd`: it lies in a crowd of its category, and counts neither way. */
  readonly verdict: 'right' | 'wrong' | 'crowd';
}

/** What is right, wrong and missed in one image. */
export interface JudgedImage {
  /** The surest first. */
  readonly detections: readonly JudgedDetection[];
  /** Objects, no crowds, that nothing found. */
  readonly missed: readonly CocoAnnotation[];
}

/**
 * What is right in one image, by COCO's rule at one overlap: the detections of a category, the surest
 * first, take the free object of theirs that they overlap most, at least by `leastOverlap`; only where
 * there is none a crowd, which stays free.
 *
 * @param objects of the image
 * @param detections of the image, of all categories
 * @param leastOverlap intersection over union
 */
export function judgeImage(
  objects: readonly CocoAnnotation[],
  detections: readonly CocoDetection[],
  leastOverlap = 0.5,
): JudgedImage {
  const boxes = flat(objects);
  const free = new Set(objects.keys());
  const judged = [...detections]
    .sort((a, b) => b.score - a.score)
    .map((detection): JudgedDetection => {
      const box = flat([detection]);
      const best = (crowd: boolean): number =>
        objects.reduce(
          (chosen, object, index) => {
            if (object.crowd !== crowd || object.categoryId !== detection.categoryId) return chosen;
            const shared = overlap(box, 0, boxes, index, crowd);
            return free.has(index) && shared >= chosen.shared ? { place: index, shared } : chosen;
          },
          { place: -1, shared: leastOverlap },
        ).place;
      const found = best(false);
      if (free.delete(found)) return { detection, verdict: 'right' };
      return { detection, verdict: best(true) < 0 ? 'wrong' : 'crowd' };
    });
  return {
    detections: judged,
    missed: objects.filter(({ crowd }, index) => !crowd && free.has(index)),
  };
}

function flat(things: readonly { readonly box: CocoBox }[]): Float64Array {
  return Float64Array.from(things.flatMap(({ box }) => box));
}
