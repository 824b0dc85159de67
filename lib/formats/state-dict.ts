import { type NumberType, numberTypes, sizeOf } from './numbers';

/** An entry of a state dict as PyTorch saves it: row-major, PyTorch's shape. */
export interface StateEntry {
  readonly shape: readonly number[];
  /** Not to be written to: entries of a file may share its memory. */
  readonly data: Float32Array;
}

/** Names, shapes and numbers as in PyTorch's `state_dict()`, in its order. */
export type StateDict = ReadonlyMap<string, StateEntry>;

/** Where the numbers of a tensor lie. */
export interface StoredNumbers {
  readonly bytes: Uint8Array;
  readonly type: NumberType;
  /** Of the first number, in numbers. */
  readonly offset: number;
  /** From one number to the next along each axis, in numbers; default one after the other. */
  readonly strides?: readonly number[];
}

/**
 * An entry whose numbers become float32 when somebody first asks for them: a file of bytes would take four
 * times its size. Float32 in their order stay where they lie.
 */
export function storedEntry(shape: readonly number[], numbers: StoredNumbers): StateEntry {
  let data: Float32Array | undefined;
  return {
    shape,
    get data() {
      return (data ??= widened(shape, numbers));
    },
  };
}

function widened(
  shape: readonly number[],
  { bytes, type, offset, strides }: StoredNumbers,
): Float32Array {
  const size = sizeOf(shape);
  const start = bytes.byteOffset + offset * type.size;
  const ordered = size < 2 || strides === undefined || inOrder(shape, strides);
  if (ordered && type === numberTypes.F32 && start % 4 === 0 && size > 0) {
    return new Float32Array(bytes.buffer, start, size);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float32Array(size);
  if (ordered) {
    for (let i = 0; i < size; i++) data[i] = type.read(view, (offset + i) * type.size);
    return data;
  }
  const place = shape.map(() => 0);
  let at = offset;
  for (let index = 0; index < size; index++) {
    data[index] = type.read(view, at * type.size);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      place[axis] = (place[axis] ?? 0) + 1;
      at += stride;
      if ((place[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at -= stride * (shape[axis] ?? 0);
      place[axis] = 0;
    }
  }
  return data;
}

/** Whether the numbers lie one after the other; the stride of an axis of one says nothing. */
function inOrder(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const side = shape[axis] ?? 0;
    if (side !== 1 && strides[axis] !== expected) return false;
    expected *= side;
  }
  return true;
}
