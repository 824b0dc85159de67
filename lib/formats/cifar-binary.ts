import {
  checkLabel,
  cifarFault,
  cifarImageBytes,
  interleavePlanes,
  type CifarExpectation,
  type CifarTarget,
} from './cifar';

/** The label bytes before each image, and which of them is the class: CIFAR-100 has two. */
export interface CifarRecordLayout {
  readonly labelBytes: number;
  readonly classByte: number;
}

/** Bytes of one record. */
export function cifarRecordBytes({ labelBytes }: CifarRecordLayout): number {
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
    const place = target.start + record;
    target.labels[place] = checkLabel(bytes[start + layout.classByte], record, expected);
    interleavePlanes(bytes, start + layout.labelBytes, target.images, place * cifarImageBytes);
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
  const names = Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length !== classCount) {
    throw cifarFault(
      'a list of class names has the wrong length',
      where,
      `${names.length} names, expected ${classCount}`,
    );
  }
  return names;
}
