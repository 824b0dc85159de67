import { LabError } from '../errors';
import { writeAtomic } from '../files';
import { faultList } from './fault-list';
import { inShort } from './in-short';
import { readCocoJson } from './read-json';
import type { CocoDetection } from './types';

const remedy =
  'Give a list of {"image_id", "category_id", "bbox": [x, y, width, height], "score"}, COCO’s own results form';

/**
 * Writes detections in COCO's results form, which pycocotools' `loadRes` and COCO's server read: in the
 * order given, numbers as they are.
 */
export function writeDetections(path: string, detections: readonly CocoDetection[]): void {
  const lines = detections.map(({ imageId, categoryId, box, score }) =>
    JSON.stringify({ image_id: imageId, category_id: categoryId, bbox: box, score }),
  );
  writeAtomic(path, `[${lines.join(',\n')}]\n`);
}

/**
 * Reads detections in COCO's results form.
 *
 * @throws LabError of kind `file` for a missing file or broken JSON, of kind `data` that names entries of
 * another form and boxes of negative width or height.
 */
export function readDetections(path: string): CocoDetection[] {
  const content = readCocoJson(path, remedy);
  if (!Array.isArray(content)) {
    throw new LabError({
      kind: 'data',
      what: 'a file of detections is not a list',
      where: path,
      found: `a JSON ${typeof content}`,
      remedy,
    });
  }
  const faults = faultList();
  const detections: CocoDetection[] = [];
  for (const [index, entry] of (content as readonly unknown[]).entries()) {
    const detection = detectionOf(entry);
    const name = `entry ${index + 1}`;
    if (!detection) faults.add('entries of another form', `${name}: ${inShort(entry)}`);
    else if (detection.box[2] < 0 || detection.box[3] < 0) {
      const { imageId, box } = detection;
      faults.add('boxes of negative size', `${name} on image ${imageId}: ${inShort(box)}`);
    } else detections.push(detection);
  }
  faults.throwIfAny({ what: 'the detections are faulty', where: path, remedy });
  return detections;
}

function detectionOf(entry: unknown): CocoDetection | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { image_id, category_id, bbox, score } = entry as Readonly<Record<string, unknown>>;
  if (typeof image_id !== 'number' || typeof category_id !== 'number') return undefined;
  if (typeof score !== 'number' || !Array.isArray(bbox) || bbox.length !== 4) return undefined;
  const [x, y, width, height] = bbox as readonly unknown[];
  if (typeof x !== 'number' || typeof y !== 'number') return undefined;
  if (typeof width !== 'number' || typeof height !== 'number') return undefined;
  return { imageId: image_id, categoryId: category_id, box: [x, y, width, height], score };
}
