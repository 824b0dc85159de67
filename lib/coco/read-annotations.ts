import { LabError } from '../errors';
import { checkBox } from './check-box';
import { type FaultList, faultList } from './fault-list';
import { inShort } from './in-short';
import { readCocoJson } from './read-json';
import type { CocoAnnotation, CocoAnnotations, CocoCategory, CocoImage } from './types';

/** For entries that are named. */
const mend = 'Mend or remove these entries';

const remedy =
  'Give a file in COCO’s form (instances_train2017.json): images, annotations and categories, each with an id of its own';

/**
 * Up to one faulty box in so many is left out with a note, more are an error: COCO's own training
 * annotations hold two boxes of no height among 860,000.
 */
const boxesForOneFault = 100_000;

/** An annotation file, and what of it was left out, in words. */
export interface ReadAnnotations extends CocoAnnotations {
  readonly notes: readonly string[];
}

/**
 * Reads annotations in COCO's form (cocodataset.org, "Data format") and checks every number and name.
 * An annotation without an `area` has that of its box, one without `iscrowd` is no crowd.
 *
 * @throws LabError of kind `file` for a missing file or broken JSON, of kind `data` that names, all kinds
 * in one message, the first few and the number of: numbers given twice, annotations of unknown images or
 * categories, boxes of no area or outside of their image, fields that are missing or of another kind.
 */
export function readAnnotations(path: string): ReadAnnotations {
  const content = readCocoJson(path, remedy);
  const faults = faultList();
  const categories = recordsOf(content, 'categories', path).map((record) =>
    categoryOf(record, faults),
  );
  const images = recordsOf(content, 'images', path).map((record) => imageOf(record, faults));
  const records = recordsOf(content, 'annotations', path);
  const imageById = byId(images, 'images', faults);
  const categoryById = byId(categories, 'categories', faults);
  requireOwnFiles(images, faults);
  const boxFaults = faultList();
  const annotations: CocoAnnotation[] = [];
  const seen = new Set<number>();
  let faultyBoxes = 0;
  for (const record of records) {
    const annotation = annotationOf(record, faults);
    if (annotation === undefined) continue;
    const { id, imageId, categoryId, box } = annotation;
    const name = `annotation ${id}`;
    if (seen.has(id)) faults.add('annotations with an id that another one has', name);
    seen.add(id);
    const image = imageById.get(imageId);
    if (!image) faults.add('annotations without an image', `${name}: image_id ${imageId}`);
    if (!categoryById.has(categoryId)) {
      faults.add('annotations of an unknown category', `${name}: category_id ${categoryId}`);
    }
    const boxFault = image && checkBox(box, image);
    if (boxFault) {
      faultyBoxes++;
      boxFaults.add(boxFault, `${name} of image ${imageId}: [${box.join(', ')}]`);
    } else annotations.push(annotation);
  }
  const few = faultyBoxes * boxesForOneFault <= records.length;
  faults.throwIfAny({ what: 'the annotations are faulty', where: path, remedy: mend });
  if (!few) boxFaults.throwIfAny({ what: 'the annotations are faulty', where: path, remedy: mend });
  const notes = few ? boxFaults.lines().map((line) => `${path}: left out: ${line}`) : [];
  return { file: path, categories, images, annotations, notes };
}

type JsonRecord = Readonly<Record<string, unknown>>;

function recordsOf(content: unknown, field: string, path: string): readonly unknown[] {
  const list = isRecord(content) ? content[field] : undefined;
  if (Array.isArray(list)) return list;
  throw new LabError({
    kind: 'data',
    what: `a file has no list of ${field}`,
    where: path,
    found: isRecord(content)
      ? `the fields ${Object.keys(content).join(', ') || '(none)'}`
      : `a JSON ${Array.isArray(content) ? 'list: these look like detections' : typeof content}`,
    remedy,
  });
}

function categoryOf(record: unknown, faults: FaultList): CocoCategory {
  const { id, name } = isRecord(record) ? record : {};
  if (!isId(id) || typeof name !== 'string') {
    faults.add('categories without an id or a name', inShort({ id, name }));
  }
  return { id: Number(id), name: String(name) };
}

function imageOf(record: unknown, faults: FaultList): CocoImage {
  const { id, file_name, width, height } = isRecord(record) ? record : {};
  if (!isId(id) || typeof file_name !== 'string' || !isSide(width) || !isSide(height)) {
    faults.add(
      'images without an id, file_name, width or height',
      inShort({ id, file_name, width, height }),
    );
  }
  return {
    id: Number(id),
    fileName: String(file_name),
    width: Number(width),
    height: Number(height),
  };
}

function annotationOf(record: unknown, faults: FaultList): CocoAnnotation | undefined {
  const { id, image_id, category_id, bbox, area, iscrowd = 0 } = isRecord(record) ? record : {};
  if (!isId(id) || !isId(image_id) || !isId(category_id) || !isNumbers(bbox)) {
    faults.add(
      'annotations without an id, image_id, category_id or bbox',
      inShort({ id, image_id, category_id, bbox }),
    );
    return undefined;
  }
  const [x = NaN, y = NaN, width = NaN, height = NaN] = bbox;
  if (bbox.length !== 4) {
    faults.add('boxes that are not x, y, width, height', `annotation ${id}: ${inShort(bbox)}`);
    return undefined;
  }
  const size = area ?? width * height;
  const isCrowd = iscrowd === 1 || iscrowd === true;
  const isArea = Number.isFinite(size) && Number(size) >= 0;
  if (!isArea || (!isCrowd && iscrowd !== 0 && iscrowd !== false)) {
    faults.add(
      'annotations whose area is no number from 0 on or whose iscrowd is neither 0 nor 1',
      `annotation ${id}: ${inShort({ area, iscrowd })}`,
    );
    return undefined;
  }
  return {
    id,
    imageId: image_id,
    categoryId: category_id,
    box: [x, y, width, height],
    area: Number(size),
    crowd: isCrowd,
  };
}

function byId<Thing extends { id: number }>(
  things: readonly Thing[],
  kind: string,
  faults: FaultList,
): ReadonlyMap<number, Thing> {
  const found = new Map<number, Thing>();
  for (const thing of things) {
    if (found.has(thing.id))
      faults.add(`${kind} with an id that another one has`, `id ${thing.id}`);
    found.set(thing.id, thing);
  }
  return found;
}

/** Two images of one file would share each other's objects. */
function requireOwnFiles(images: readonly CocoImage[], faults: FaultList): void {
  const owners = new Map<string, number>();
  for (const { id, fileName } of images) {
    const other = owners.get(fileName);
    if (other !== undefined) {
      faults.add('images with the file_name of another one', `${fileName}: ${other} and ${id}`);
    }
    owners.set(fileName, id);
  }
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isSide(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(Number.isFinite);
}
