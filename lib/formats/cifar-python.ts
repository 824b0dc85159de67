import {
  checkLabel,
  cifarFault,
  cifarImageBytes,
  interleavePlanes,
  type CifarExpectation,
  type CifarTarget,
} from './cifar';
import { isNumpyArray, numpyGlobals, type NumpyArray } from './numpy-pickle';
import { unpickle } from './pickle';

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
    const place = target.start + record;
    target.labels[place] = checkLabel(labels[record], record, expected);
    interleavePlanes(data, record * cifarImageBytes, target.images, place * cifarImageBytes);
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
  if (found.length !== classCount || texts.length !== classCount) {
    throw cifarFault(
      'a list of class names has the wrong length',
      where,
      `${found.length} names in '${namesKey}', expected ${classCount}`,
    );
  }
  return found;
}

/** The pickled dict; keys that Python 3 wrote as bytes become text. */
function readDict(bytes: Uint8Array, where: string): Map<unknown, unknown> {
  const remedy = 'It is damaged or not of the python form of CIFAR: remove it and get it again';
  const { value } = unpickle(bytes, { globals: numpyGlobals(where), where, remedy });
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
