import { LabError } from '../errors';
import { placesOfDetections } from './detection-places';
import type { CocoAnnotations, CocoDetection } from './types';

/**
 * Checks that detections are of a data set's images and categories.
 *
 * @param file that the detections were read from
 * @throws LabError of kind `data` that names both files and the detections that are not.
 */
export function requireDetectionsOf(
  groundTruth: CocoAnnotations,
  detections: readonly CocoDetection[],
  file: string,
): void {
  try {
    placesOfDetections(groundTruth, detections);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const where = `${file} against ${groundTruth.file}`;
    throw new LabError({ ...error.fault, where }, { cause: error });
  }
}
