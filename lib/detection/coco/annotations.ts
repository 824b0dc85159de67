import { dataError, fileError, LabError, shown } from '../../errors';
import { leavesFolder, parseJson, readBytes } from '../../files';

/** A class of objects under the number that the data set gives it; COCO's run from 1 to 90 with gaps. */
export interface CocoCategory {
  readonly id: number;
  readonly name: string;
}

/** An image of a data set in COCO's form. */
export interface CocoImage {
  readonly id: number;
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
}

/** Left edge, top edge, width and height in pixels: COCO's own order. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/** An object (or a crowd of them) in an image. */
export interface CocoAnnotation {
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: CocoBox;
  /** In pixels, of the outline where there is one; it decides what counts as small, medium or large. */
  readonly area: number;
  /** Many objects in one region: left out of training, and no mistake to find anything there. */
  readonly crowd: boolean;
}

/** What an `instances_*.json` holds, checked. */
export interface CocoAnnotations {
  /** The file that it was read from, for messages. */
  readonly file: string;
  readonly categories: readonly CocoCategory[];
  readonly images: readonly CocoImage[];
  readonly annotations: readonly CocoAnnotation[];
}

/** One found object, in the image's own pixels and the data set's own category number. */
export interface CocoDetection {
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: CocoBox;
  readonly score: number;
}

/** A value as JSON for an error message, cut after so many characters. */
export function inShort(value: unknown, longest = 80): string {
  return shown(JSON.stringify(value) ?? 'nothing', longest);
}

/** What is wrong with a box of an image, in words for a list of faults; undefined when nothing is. */
function checkBox(
  [x, y, width, height]: CocoBox,
  image: Pick<CocoImage, 'width' | 'height'>,
): string | undefined {
  if (!(width > 0 && height > 0)) return 'boxes of no area';
  const inside = x < image.width && y < image.height && x + width > 0 && y + height > 0;
  return inside ? undefined : 'boxes outside of their image';
}

/** So many of a kind are named; the others are counted. */
const named = 3;

/** Faults of one file by kind: a reader hears of all kinds at once, and of no kind too often. */
interface FaultList {
  /** @param kind `boxes of no area`; @param example which one: `annotation 7 of image 3` */
  add(kind: string, example: string): void;
  /** Each kind in words: `boxes of no area (5): annotation 7 of image 3, … and 2 more`. */
  lines(): string[];
  /** @throws LabError of kind `data` with every kind of fault, when there is one. */
  throwIfAny(error: (found: string) => LabError): void;
}

export function faultList(): FaultList {
  const kinds = new Map<string, { count: number; readonly examples: string[] }>();
  const lines = (): string[] =>
    [...kinds].map(([kind, { count, examples }]) => {
      const more = count > examples.length ? ` and ${count - examples.length} more` : '';
      return `${kind} (${count}): ${examples.join(', ')}${more}`;
    });
  return {
    lines,
    add(kind, example) {
      const known = kinds.get(kind) ?? { count: 0, examples: [] };
      known.count++;
      if (known.examples.length < named) known.examples.push(example);
      kinds.set(kind, known);
    },
    throwIfAny(error) {
      if (kinds.size > 0) throw error(lines().join('; '));
    },
  };
}

const key = Buffer.from('"segmentation"');
const quote = 0x22;
const backslash = 0x5c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);
const whiteSpace = new Set([0x20, 0x09, 0x0a, 0x0d]);
const colon = 0x3a;

/**
 * A copy of an annotation file's bytes in which each outline (`"segmentation"`: a list or an object) is
 * `null`. COCO's training annotations are outlines for nine parts in ten: read with them they take
 * gigabytes, which boxes have no use for. What is not of this form stays as it is.
 */
function withoutOutlines(json: Buffer): Buffer {
  const parts: Buffer[] = [];
  let kept = 0;
  for (let at = json.indexOf(key); at >= 0; at = json.indexOf(key, kept)) {
    const start = valueStart(json, at + key.length);
    const end = openings.has(json[start] ?? 0) ? valueEnd(json, start) : start;
    if (end > start) parts.push(json.subarray(kept, start), Buffer.from('null'));
    else parts.push(json.subarray(kept, start));
    kept = end;
  }
  parts.push(json.subarray(kept));
  return Buffer.concat(parts);
}

function valueStart(json: Buffer, from: number): number {
  let at = from;
  while (whiteSpace.has(json[at] ?? 0) || json[at] === colon) at++;
  return at;
}

/** Behind the bracket that closes the one at `start`; the file's end where none does. */
function valueEnd(json: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte === quote) at = stringEnd(json, at);
    else if (openings.has(byte)) depth++;
    else if (closings.has(byte) && --depth === 0) return at + 1;
  }
  return json.length;
}

function stringEnd(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}

/**
 * Reads a JSON file in one of COCO's forms, without its outlines.
 *
 * @throws LabError of kind `file` when it is missing or is not JSON.
 */
export function readCocoJson(path: string, fix: string): unknown {
  const bytes = readBytes(path, fix);
  try {
    return parseJson(withoutOutlines(bytes), path);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw fileError.because(
      error,
    )`a file is not valid JSON (${path}): found ${describe(bytes, path, error)}. ${fix}`;
  }
}

/** Where the whole file goes wrong: without the outlines, places would be other ones. */
function describe(bytes: Buffer, path: string, error: unknown): string {
  try {
    parseJson(bytes, path);
  } catch (whole) {
    return whole instanceof Error ? whole.message : String(whole);
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * Checks that a file has the categories of another one, by number and name: labels are places among
 * them, so that a detector trained on one would mean other things on the other.
 *
 * @throws LabError of kind `data` that names the categories that differ and both files.
 */
export function requireSameCategories(
  { file, categories }: CocoAnnotations,
  expected: { readonly of: string; readonly categories: readonly CocoCategory[] },
): void {
  const faults = faultList();
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  for (const { id, name } of expected.categories) {
    const found = names.get(id);
    names.delete(id);
    if (found === undefined) faults.add('missing here', `${id} '${shown(name)}'`);
    else if (found !== name)
      faults.add('named otherwise', `${id} '${shown(found)}' instead of '${shown(name)}'`);
  }
  for (const [id, name] of names) faults.add('only here', `${id} '${shown(name)}'`);
  faults.throwIfAny(
    (found) =>
      dataError`the categories differ from those of ${expected.of} (${file}): found ${found}. Give both files the same list of categories, with the same ids and names`,
  );
}

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
  const categories = recordsOf(content, 'categories', path).map((each) => categoryOf(each, faults));
  const images = recordsOf(content, 'images', path).map((each) => imageOf(each, faults));
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
  const faulty = (found: string): LabError =>
    dataError`the annotations are faulty (${path}): found ${found}. Mend or remove these entries`;
  faults.throwIfAny(faulty);
  if (!few) boxFaults.throwIfAny(faulty);
  const notes = few ? boxFaults.lines().map((line) => `${path}: left out: ${line}`) : [];
  return { file: path, categories, images, annotations, notes };
}

type JsonRecord = Readonly<Record<string, unknown>>;

function recordsOf(content: unknown, field: string, path: string): readonly unknown[] {
  const list = isRecord(content) ? content[field] : undefined;
  if (Array.isArray(list)) return list;
  throw dataError`a file has no list of ${field} (${path}): found ${
    isRecord(content)
      ? `the fields ${Object.keys(content).join(', ') || '(none)'}`
      : `a JSON ${Array.isArray(content) ? 'list: these look like detections' : typeof content}`
  }. ${remedy}`;
}

function categoryOf(record: unknown, faults: FaultList): CocoCategory {
  const { id, name } = isRecord(record) ? record : {};
  if (!isId(id) || typeof name !== 'string') {
    faults.add('categories without an id or a name', inShort({ id, name }));
  }
  return { id: Number(id), name: typeof name === 'string' ? name : '' };
}

function imageOf(record: unknown, faults: FaultList): CocoImage {
  const { id, file_name, width, height } = isRecord(record) ? record : {};
  if (!isId(id) || typeof file_name !== 'string' || !isSide(width) || !isSide(height)) {
    faults.add(
      'images without an id, file_name, width or height',
      inShort({ id, file_name, width, height }),
    );
  }
  const fileName = typeof file_name === 'string' ? file_name : '';
  if (leavesFolder(fileName)) {
    faults.add('images whose file_name leaves their folder', inShort({ id, file_name }));
  }
  return { id: Number(id), fileName, width: Number(width), height: Number(height) };
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
      faults.add(
        'images with the file_name of another one',
        `${shown(fileName)}: ${other} and ${id}`,
      );
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
