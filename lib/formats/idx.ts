import { dataError, type LabError } from '../errors';
import { sizeOf } from './numbers';

/** An array of unsigned bytes as MNIST's idx format holds it. */
export interface IdxArray {
  readonly shape: readonly number[];
  /** Row-major, last index fastest. */
  readonly data: Uint8Array;
}

const unsignedByte = 0x08;

/**
 * Reads an idx file (two zero bytes, the element type, the number of dimensions, each dimension as a
 * big-endian 32-bit integer, then the elements). Only unsigned bytes are read.
 *
 * @throws LabError of kind `data` when the header or the size is wrong.
 */
export function readIdx(bytes: Uint8Array, where: string): IdxArray {
  const [zero, alsoZero, type, dimensions] = bytes;
  if (zero !== 0 || alsoZero !== 0 || type !== unsignedByte || dimensions === undefined) {
    const start = Buffer.from(bytes.subarray(0, 4)).toString('hex');
    throw faulty(where, `it starts with 0x${start}, not with 0x000008 and a number of dimensions`);
  }
  const header = 4 + 4 * dimensions;
  if (bytes.length < header) throw faulty(where, `${bytes.length} bytes, a header has ${header}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i, false));
  const expected = header + sizeOf(shape);
  if (bytes.length !== expected) {
    throw faulty(where, `${bytes.length} bytes, expected ${expected} for [${shape.join(', ')}]`);
  }
  return { shape, data: bytes.subarray(header) };
}

/** Writes unsigned bytes as an idx file; the inverse of `readIdx`. */
export function writeIdx({ shape, data }: IdxArray): Uint8Array {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(`${data.length} elements do not fill the shape [${shape.join(', ')}]`);
  }
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  const view = new DataView(bytes.buffer);
  bytes[2] = unsignedByte;
  bytes[3] = shape.length;
  shape.forEach((length, i) => view.setUint32(4 + 4 * i, length, false));
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

function faulty(where: string, found: string): LabError {
  return dataError`not a whole idx file of unsigned bytes (${where}): found ${found}. The file is damaged or of another kind: get it again`;
}
