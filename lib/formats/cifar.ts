import { LabError } from '../errors';

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
export function interleavePlanes(
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
export function checkLabel(label: unknown, record: number, expected: CifarExpectation): number {
  const { classCount, where } = expected;
  if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < classCount) {
    return label;
  }
  throw cifarFault(
    `record ${record} has a label that is no class`,
    where,
    `${String(label)}, expected 0 to ${classCount - 1}`,
  );
}

/** The error for a CIFAR file with wrong content. */
export function cifarFault(what: string, where: string, found: string): LabError {
  return new LabError({
    kind: 'data',
    what,
    where,
    found,
    remedy:
      'The file is damaged, cut off or of another kind: remove it and get it again, ' +
      'for instance with `npm run data -- download`',
  });
}
