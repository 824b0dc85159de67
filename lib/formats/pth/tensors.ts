import { LabError } from '../../errors';
import type { StateEntry } from '../../nn/state';
import { halfToNumber, bfloatToNumber } from '../half';
import { type PickleGlobal, type PickleStateful, setPickleState } from '../pickle';
import { NamedGlobal } from '../pickle/machine';
import { numpyGlobals } from '../numpy-pickle';

/** The numbers of one or more tensors, read after the pickle that names them. */
export class Storage {
  bytes: Uint8Array | undefined;

  constructor(
    readonly key: string,
    readonly type: StorageType,
    readonly count: number,
  ) {}
}

/** A tensor as a pickle describes it: a view of a storage. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

export interface StorageType {
  readonly size: number;
  readonly read: (view: DataView, at: number) => number;
}

const storageTypes: ReadonlyMap<string, StorageType> = new Map([
  ['torch.DoubleStorage', { size: 8, read: (view, at) => view.getFloat64(at, true) }],
  ['torch.FloatStorage', { size: 4, read: (view, at) => view.getFloat32(at, true) }],
  ['torch.HalfStorage', { size: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) }],
  [
    'torch.BFloat16Storage',
    { size: 2, read: (view, at) => bfloatToNumber(view.getUint16(at, true)) },
  ],
  ['torch.LongStorage', { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) }],
  ['torch.IntStorage', { size: 4, read: (view, at) => view.getInt32(at, true) }],
  ['torch.ByteStorage', { size: 1, read: (view, at) => view.getUint8(at) }],
] satisfies [string, StorageType][]);

/** A state dict's `_metadata` follows it as its state; it says nothing of the weights. */
class OrderedDictionary extends Map<unknown, unknown> implements PickleStateful {
  [setPickleState](): void {
    return undefined;
  }
}

/** The options of the program that saved the file, as `argparse` keeps them; nobody here reads them. */
class ProgramOptions implements PickleStateful {
  [setPickleState](): void {
    return undefined;
  }
}

/** What a checkpoint's pickle may name: containers and tensors, nothing that could do anything. */
export function torchGlobals(where: string): ReadonlyMap<string, PickleGlobal> {
  const rebuild: PickleGlobal = { call: (args) => tensorView(where, args) };
  const uncalled: PickleGlobal = {
    call: () => {
      throw broken(where, 'a storage made without its data');
    },
  };
  // Programs note an accuracy as a numpy number beside the weights; nobody here reads it.
  const ignored: PickleGlobal = { call: () => null };
  return new Map<string, PickleGlobal>([
    ...numpyGlobals(where),
    ['numpy.core.multiarray.scalar', ignored],
    ['numpy._core.multiarray.scalar', ignored],
    ['argparse.Namespace', { call: () => new ProgramOptions() }],
    ['collections.OrderedDict', { call: () => new OrderedDictionary() }],
    ['torch._utils._rebuild_tensor_v2', rebuild],
    ['torch._utils._rebuild_tensor', rebuild],
    ['torch._utils._rebuild_parameter', { call: ([tensor]) => tensor }],
    ...[...storageTypes.keys()].map((name) => [name, uncalled] as const),
  ]);
}

/** Collects the storages that a pickle refers to by `('storage', type, key, place, count, …)`. */
export function storageCollector(where: string): {
  readonly storages: ReadonlyMap<string, Storage>;
  readonly load: (id: unknown) => Storage;
} {
  const storages = new Map<string, Storage>();
  return {
    storages,
    load(id) {
      const [tag, type, key, , count] = Array.isArray(id) ? (id as readonly unknown[]) : [];
      const known = type instanceof NamedGlobal ? storageTypes.get(type.name) : undefined;
      if (tag !== 'storage' || !known || typeof key !== 'string' || !isCount(count)) {
        throw broken(where, 'a storage of a kind that is not known');
      }
      const storage = storages.get(key) ?? new Storage(key, known, count);
      storages.set(key, storage);
      return storage;
    },
  };
}

/** A tensor's numbers as float32, row-major. */
export function readTensor(view: TensorView, name: string, where: string): StateEntry {
  const { storage, offset, shape, strides } = view;
  const { bytes, type } = storage;
  const size = shape.reduce((product, side) => product * side, 1);
  const last = shape.reduce((at, side, axis) => at + (side - 1) * (strides[axis] ?? 0), offset);
  if (bytes === undefined || (size > 0 && (last + 1) * type.size > bytes.byteLength)) {
    throw broken(where, `a tensor '${name}' that reaches beyond its data`);
  }
  // Strides of 0 could make a few bytes into more numbers than memory holds; no weights are saved so.
  if (size > storage.count) throw broken(where, `a tensor '${name}' larger than its data`);
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float32Array(size);
  const place = shape.map(() => 0);
  let at = offset;
  for (let index = 0; index < size; index++) {
    data[index] = type.read(numbers, at * type.size);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      place[axis] = (place[axis] ?? 0) + 1;
      at += stride;
      if ((place[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at -= stride * (shape[axis] ?? 0);
      place[axis] = 0;
    }
  }
  return { shape, data };
}

/** The error for a checkpoint that cannot be read. */
export function broken(where: string, found: string): LabError {
  return new LabError({
    kind: 'file',
    what: 'not a whole checkpoint of PyTorch',
    where,
    found,
    remedy: 'Get the file again, or name another one',
  });
}

function tensorView(where: string, args: readonly unknown[]): TensorView {
  const [storage, offset, shape, strides] = args;
  if (
    !(storage instanceof Storage) ||
    !isCount(offset) ||
    !isCounts(shape) ||
    !isCounts(strides) ||
    shape.length !== strides.length
  ) {
    throw broken(where, 'a tensor with a form that is not known');
  }
  return new TensorView(storage, offset, shape, strides);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}
