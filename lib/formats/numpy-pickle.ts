import { fileError, type LabError } from '../errors';
import { sizeOf } from './numbers';
import { setPickleState, type PickleGlobal, type PickleStateful } from './pickle';

/** A numpy array as a pickle holds it. */
export interface NumpyArray {
  readonly shape: readonly number[];
  /** Kind and bytes an element, without the byte order: `u1`, `i8`, `f4`. */
  readonly type: string;
  /** First index fastest, as Fortran stores; otherwise last index fastest. */
  readonly fortran: boolean;
  readonly bytes: Uint8Array;
}

/**
 * What a pickled numpy array names, under numpy 1 and 2 and Python 2 and 3: for `unpickle`'s
 * `globals`. Arrays come out as objects for which `isNumpyArray` holds.
 *
 * @param size bytes of the pickle: it cannot hold more of text that stands for bytes, but could name the
 *   same one again and again.
 */
export function numpyGlobals(where: string, size: number): ReadonlyMap<string, PickleGlobal> {
  let left = size;
  const bytesOfText: BytesOfText = (text) => {
    left -= text.length;
    if (left < 0) throw faulty(where, 'the same text as bytes more than once');
    return Buffer.from(text, 'latin1');
  };
  const ndarray: PickleGlobal = {
    call: () => {
      throw faulty(where, 'an ndarray made without its data');
    },
  };
  const reconstruct: PickleGlobal = { call: () => new PickledArray(where, bytesOfText) };
  const dtype: PickleGlobal = { call: ([code]) => new PickledType(where, code) };
  const encode: PickleGlobal = { call: (args) => encodeLatin1(where, args, bytesOfText) };
  const fromBuffer: PickleGlobal = {
    call: (args) => arrayFromBuffer(new PickledArray(where, bytesOfText), args),
  };
  return new Map([
    ['numpy.ndarray', ndarray],
    ['numpy.dtype', dtype],
    ['numpy.core.multiarray._reconstruct', reconstruct],
    ['numpy._core.multiarray._reconstruct', reconstruct],
    ['numpy.core.numeric._frombuffer', fromBuffer],
    ['numpy._core.numeric._frombuffer', fromBuffer],
    // Protocols up to 2 have no bytes: Python 3 writes them as text to encode.
    ['_codecs.encode', encode],
  ]);
}

type BytesOfText = (text: string) => Uint8Array;

export function isNumpyArray(value: unknown): value is NumpyArray {
  return value instanceof PickledArray && value.filled;
}

class PickledType implements PickleStateful {
  readonly code: string;
  readonly itemSize: number;

  constructor(
    private readonly where: string,
    code: unknown,
  ) {
    const match = typeof code === 'string' ? /^[|<>=]?([biuf])([1248])$/.exec(code) : null;
    if (match === null) throw faulty(where, `elements of type ${describe(code)}`);
    this.code = `${match[1]}${match[2]}`;
    this.itemSize = Number(match[2]);
  }

  /** The state holds byte order and alignment, of which only big-endian would change the bytes. */
  [setPickleState](state: unknown): void {
    const order = Array.isArray(state) ? state[1] : undefined;
    if (order === '>' && this.itemSize > 1) throw faulty(this.where, 'big-endian elements');
  }
}

class PickledArray implements NumpyArray, PickleStateful {
  filled = false;
  shape: readonly number[] = [];
  type = '';
  fortran = false;
  bytes: Uint8Array = new Uint8Array();

  constructor(
    private readonly where: string,
    private readonly bytesOfText: BytesOfText,
  ) {}

  [setPickleState](state: unknown): void {
    if (!Array.isArray(state) || state.length !== 5) {
      throw faulty(this.where, 'a state that is not (version, shape, dtype, order, data)');
    }
    this.fill(state[1], state[2], state[3] === true, state[4]);
  }

  fill(shape: unknown, type: unknown, fortran: boolean, data: unknown): void {
    if (!isShape(shape)) throw faulty(this.where, `the shape ${describe(shape)}`);
    if (!(type instanceof PickledType)) throw faulty(this.where, 'no type of elements');
    const bytes = typeof data === 'string' ? this.bytesOfText(data) : data;
    if (!(bytes instanceof Uint8Array)) throw faulty(this.where, `data as ${describe(data)}`);
    const expected = sizeOf(shape) * type.itemSize;
    if (bytes.length !== expected) {
      const sizes = `${bytes.length} bytes for shape [${shape.join(', ')}], expected ${expected}`;
      throw faulty(this.where, sizes);
    }
    this.shape = shape;
    this.type = type.code;
    this.fortran = fortran;
    this.bytes = bytes;
    this.filled = true;
  }
}

function arrayFromBuffer(
  array: PickledArray,
  [data, type, shape, order]: readonly unknown[],
): PickledArray {
  array.fill(shape, type, order === 'F', data);
  return array;
}

function encodeLatin1(
  where: string,
  [text, encoding]: readonly unknown[],
  bytesOfText: BytesOfText,
): Uint8Array {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    throw faulty(where, `text encoded as ${describe(encoding)}`);
  }
  return bytesOfText(text);
}

function isShape(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.length <= 32 &&
    value.every((length) => Number.isSafeInteger(length) && length >= 0)
  );
}

function faulty(where: string, found: string): LabError {
  return fileError`a pickled numpy array cannot be read (${where}): found ${found}. The file is damaged or not of the expected kind: get it again`;
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 40)}'` : typeof value;
}
