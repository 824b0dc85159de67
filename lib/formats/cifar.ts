import { dataError, type LabError } from '../errors';
import { isNumpyArray, type NumpyArray, numpyGlobals } from './numpy-pickle';
import { unpickle } from './pickle';

/** Height and width of every CIFAR image. */
export const cifarSide = 32;
const plane = cifarSide * cifarSide;
/** Bytes of one image: the red, the green and the blue plane. */
export const cifarImageBytes = 3 * plane;

/** Where decoded records go: channels last. */
export interface CifarTarget {
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  /** Index of the first record to write. */
  readonly start: number;
}

/** What a CIFAR file must hold. */
export interface CifarExpectation {
  readonly records: number;
  readonly classCount: number;
  /** The file, for messages. */
  readonly where: string;
}

/** Copies one image from three planes (red, green, blue) to pixels of three channels. */
function interleavePlanes(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
): void {
  let write = targetStart;
  for (let red = sourceStart; red < sourceStart + plane; red++) {
    target[write] = source[red] ?? 0;
    target[write + 1] = source[red + plane] ?? 0;
    target[write + 2] = source[red + 2 * plane] ?? 0;
    write += 3;
  }
}

/** @throws LabError of kind `data` when a label is no class. */
function checkLabel(label: unknown, record: number, expected: CifarExpectation): number {
  const { classCount, where } = expected;
  if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < classCount) {
    return label;
  }
  throw cifarFault(
    `record ${record} has a label that is no class`,
    where,
    `${typeof label === 'number' ? label : typeof label}, expected 0 to ${classCount - 1}`,
  );
}

/** The error for a CIFAR file with wrong content. */
export function cifarFault(what: string, where: string, found: string): LabError {
  return dataError`${what} (${where}): found ${found}. The file is damaged, cut off or of another kind: remove it and get it again, for instance with \`npm run data -- download\``;
}

/** The label bytes before each image, and which of them is the class: CIFAR-100 has two. */
export interface CifarRecordLayout {
  readonly labelBytes: number;
  readonly classByte: number;
}

/** Bytes of one record. */
function cifarRecordBytes({ labelBytes }: CifarRecordLayout): number {
  return labelBytes + cifarImageBytes;
}

/**
 * Decodes a file of CIFAR's binary form: records of label bytes and a red, a green and a blue plane.
 *
 * @throws LabError of kind `data` when size or a label is wrong.
 */
export function decodeCifarBinary(
  bytes: Uint8Array,
  layout: CifarRecordLayout,
  expected: CifarExpectation,
  target: CifarTarget,
): void {
  checkCifarBinarySize(bytes.length, layout, expected);
  const recordBytes = cifarRecordBytes(layout);
  for (let record = 0; record < expected.records; record++) {
    const start = record * recordBytes;
    const index = target.start + record;
    target.labels[index] = checkLabel(bytes[start + layout.classByte], record, expected);
    interleavePlanes(bytes, start + layout.labelBytes, target.images, index * cifarImageBytes);
  }
}

/** @throws LabError of kind `data` when a file of `size` bytes cannot hold the expected records. */
export function checkCifarBinarySize(
  size: number,
  layout: CifarRecordLayout,
  { records, where }: CifarExpectation,
): void {
  const recordBytes = cifarRecordBytes(layout);
  if (size === records * recordBytes) return;
  const whole = Math.floor(size / recordBytes);
  const rest = size % recordBytes;
  throw cifarFault(
    'a CIFAR file has the wrong size',
    where,
    `${size} bytes (${whole} records of ${recordBytes} and ${rest} bytes), ` +
      `expected ${records * recordBytes} (${records} records)`,
  );
}

/**
 * The class names in a text file, one a line.
 *
 * @throws LabError of kind `data` when there are not `classCount` of them.
 */
export function decodeCifarNames(bytes: Uint8Array, classCount: number, where: string): string[] {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  const names = lines.map((line) => line.trim()).filter((line) => line !== '');
  if (names.length === classCount) return names;
  throw wrongLength(where, `${names.length} names, expected ${classCount}`);
}

function wrongLength(where: string, found: string): LabError {
  return cifarFault('a list of class names has the wrong length', where, found);
}

/**
 * Decodes a file of CIFAR's python form: a pickled dict with `data` (a uint8 array of records × 3072)
 * and the labels as a list. Nothing in the pickle is run.
 *
 * @param labelKey - `labels` (CIFAR-10) or `fine_labels` (CIFAR-100)
 * @throws LabError of kind `file` when the pickle is damaged, `data` when its content is wrong.
 */
export function decodeCifarPython(
  bytes: Uint8Array,
  labelKey: string,
  expected: CifarExpectation,
  target: CifarTarget,
): void {
  const { records, where } = expected;
  const dict = readDict(bytes, where);
  const data = rowMajor(dict.get('data'), expected);
  const labels = dict.get(labelKey);
  if (!Array.isArray(labels) || labels.length !== records) {
    const found = Array.isArray(labels) ? `${labels.length} labels` : `no list '${labelKey}'`;
    throw cifarFault(
      'a CIFAR file has the wrong number of labels',
      where,
      `${found}, expected ${records}`,
    );
  }
  for (let record = 0; record < records; record++) {
    const index = target.start + record;
    target.labels[index] = checkLabel(labels[record], record, expected);
    interleavePlanes(data, record * cifarImageBytes, target.images, index * cifarImageBytes);
  }
}

/**
 * The class names in the python form's `meta` or `batches.meta`.
 *
 * @param namesKey - `label_names` (CIFAR-10) or `fine_label_names` (CIFAR-100)
 * @throws LabError as `decodeCifarPython`.
 */
export function decodeCifarMeta(
  bytes: Uint8Array,
  namesKey: string,
  classCount: number,
  where: string,
): string[] {
  const names = readDict(bytes, where).get(namesKey);
  const texts = Array.isArray(names) ? names.map(asText) : [];
  const found = texts.filter((name) => name !== undefined);
  if (found.length === classCount && texts.length === classCount) return found;
  throw wrongLength(where, `${found.length} names in '${namesKey}', expected ${classCount}`);
}

/** The pickled dict; keys that Python 3 wrote as bytes become text. */
function readDict(bytes: Uint8Array, where: string): Map<unknown, unknown> {
  const remedy = 'It is damaged or not of the python form of CIFAR: remove it and get it again';
  const { value } = unpickle(bytes, {
    globals: numpyGlobals(where, bytes.byteLength),
    where,
    fix: remedy,
  });
  if (!(value instanceof Map)) {
    throw cifarFault('a CIFAR file does not hold a dict', where, typeof value);
  }
  return new Map([...value].map(([key, entry]) => [asText(key) ?? key, entry]));
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined;
}

function rowMajor(data: unknown, { records, where }: CifarExpectation): Uint8Array {
  const expected = `expected a uint8 array [${records}, ${cifarImageBytes}]`;
  if (!isNumpyArray(data)) {
    throw cifarFault("a CIFAR file has no array 'data'", where, `${typeof data}, ${expected}`);
  }
  const [rows, columns] = data.shape;
  const fits = data.shape.length === 2 && rows === records && columns === cifarImageBytes;
  if (data.type !== 'u1' || !fits) {
    const found = `${data.type} [${data.shape.join(', ')}]`;
    throw cifarFault('a CIFAR file has an array of another shape', where, `${found}, ${expected}`);
  }
  return data.fortran ? transposed(data, records) : data.bytes;
}

function transposed({ bytes }: NumpyArray, records: number): Uint8Array {
  const rows = new Uint8Array(bytes.length);
  for (let column = 0; column < cifarImageBytes; column++) {
    for (let row = 0; row < records; row++) {
      rows[row * cifarImageBytes + column] = bytes[column * records + row] ?? 0;
    }
  }
  return rows;
}
