import { inflateSync } from 'node:zlib';
import { fileError, type LabError } from '../errors';

/** A field of a struct in a MAT file, where it is a text or one number. */
type MatValue = string | number | undefined;

const headerBytes = 128;
/** What the types of elements are numbered as in MATLAB's description of the format. */
const types = { int8: 1, uint32: 6, matrix: 14, compressed: 15, utf8: 16 } as const;
const classes = { struct: 2, char: 4, firstNumber: 6, lastNumber: 15 } as const;

type Read = (view: DataView, at: number, little: boolean) => number;

const numbers: ReadonlyMap<number, { readonly size: number; readonly read: Read }> = new Map([
  [1, { size: 1, read: (view, at) => view.getInt8(at) }],
  [2, { size: 1, read: (view, at) => view.getUint8(at) }],
  [3, { size: 2, read: (view, at, little) => view.getInt16(at, little) }],
  [4, { size: 2, read: (view, at, little) => view.getUint16(at, little) }],
  [5, { size: 4, read: (view, at, little) => view.getInt32(at, little) }],
  [6, { size: 4, read: (view, at, little) => view.getUint32(at, little) }],
  [7, { size: 4, read: (view, at, little) => view.getFloat32(at, little) }],
  [9, { size: 8, read: (view, at, little) => view.getFloat64(at, little) }],
]);

interface Element {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/**
 * The elements of an array of structs in a MAT file of MATLAB 5 and later (not of 7.3, which is HDF5), with
 * those of their fields that are texts or single numbers.
 *
 * @throws LabError of kind `file` when it is no such file, damaged, or has no such array.
 */
export function readMatStructs(
  bytes: Uint8Array,
  name: string,
  where: string,
): ReadonlyMap<string, MatValue>[] {
  const mark = Buffer.from(bytes.subarray(headerBytes - 2, headerBytes)).toString('latin1');
  if (mark !== 'IM' && mark !== 'MI') throw faulty(where, 'no mark of MATLAB');
  try {
    const reader = new MatReader(mark === 'IM');
    for (const element of reader.elements(bytes.subarray(headerBytes))) {
      const structs = reader.structs(element, name);
      if (structs !== undefined) return structs;
    }
  } catch (error) {
    if (!(error instanceof RangeError || (error instanceof Error && 'code' in error))) throw error;
    throw faulty(where, `a broken element (${error.message})`);
  }
  throw faulty(where, `no array of structs '${name}'`);
}

class MatReader {
  constructor(private readonly little: boolean) {}

  *elements(bytes: Uint8Array): Generator<Element, void> {
    const view = viewOf(bytes);
    for (let at = 0; at + 8 <= bytes.length;) {
      const first = view.getUint32(at, this.little);
      // A short element has its length beside its type, and its content in the next four bytes.
      const isShort = first >>> 16 !== 0;
      const type = isShort ? first & 0xffff : first;
      const length = isShort ? first >>> 16 : view.getUint32(at + 4, this.little);
      const start = at + (isShort ? 4 : 8);
      if (start + length > bytes.length) throw new RangeError(`${length} bytes at ${at}`);
      const content = bytes.subarray(start, start + length);
      if (type === types.compressed) yield* this.elements(inflateSync(content));
      else yield { type, bytes: content };
      const padded = type === types.compressed ? start + length : start + length + (-length & 7);
      at = isShort ? at + 8 : padded;
    }
  }

  /** The structs of an array of this name; undefined for another element. */
  structs({ type, bytes }: Element, wanted: string): ReadonlyMap<string, MatValue>[] | undefined {
    if (type !== types.matrix) return undefined;
    const [flags, , name, fieldLength, fieldNames, ...values] = this.elements(bytes);
    if (flags === undefined || name === undefined || text(name) !== wanted) return undefined;
    if (this.classOf(flags) !== classes.struct || !fieldLength || !fieldNames) return undefined;
    const length = this.numbersIn(fieldLength)[0] ?? 0;
    if (length < 1) throw new RangeError('names of fields without a length');
    const fields = Array.from({ length: Math.floor(fieldNames.bytes.length / length) }, (_, at) =>
      text({ ...fieldNames, bytes: fieldNames.bytes.subarray(at * length, (at + 1) * length) }),
    );
    const count = Math.floor(values.length / Math.max(1, fields.length));
    return Array.from({ length: count }, (_, row) => {
      const of = (field: number): Element | undefined => values[row * fields.length + field];
      return new Map(fields.map((field, at) => [field, this.value(of(at))]));
    });
  }

  private value(element: Element | undefined): MatValue {
    if (element === undefined || element.bytes.length === 0) return undefined;
    const [flags, , , content] = this.elements(element.bytes);
    if (flags === undefined || content === undefined) return undefined;
    const kind = this.classOf(flags);
    if (kind === classes.char) {
      return content.type === types.utf8 || content.type === types.int8
        ? text(content)
        : String.fromCharCode(...this.numbersIn(content));
    }
    const found = this.numbersIn(content);
    const isNumber = kind >= classes.firstNumber && kind <= classes.lastNumber;
    return isNumber && found.length === 1 ? found[0] : undefined;
  }

  private classOf({ bytes }: Element): number {
    return viewOf(bytes).getUint32(0, this.little) & 0xff;
  }

  private numbersIn({ type, bytes }: Element): number[] {
    const known = numbers.get(type);
    if (known === undefined) return [];
    const view = viewOf(bytes);
    const count = Math.floor(bytes.length / known.size);
    return Array.from({ length: count }, (_, at) => known.read(view, at * known.size, this.little));
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A text, up to the first zero. */
function text({ bytes }: Element): string {
  return Buffer.from(bytes).toString('utf8').split('\0')[0] ?? '';
}

function faulty(where: string, found: string): LabError {
  return fileError`not a MAT file that can be read (${where}): found ${found}. Get the archive again`;
}
