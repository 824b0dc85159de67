import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { fromBufferPromise } from 'yauzl';
import { fileError, type LabError } from '../errors';
import type { StateEntry } from './state-dict';
import { type NumberType, numberTypes, sizeOf } from './numbers';
import { numpyGlobals } from './numpy-pickle';
import { type PickleGlobal, type PickleStateful, setPickleState, unpickle } from './pickle';
import { NamedGlobal } from './pickle-machine';

/** PyTorch's counters, which it keeps as 64-bit integers. */
const counterSuffix = 'num_batches_tracked';

/** A tensor as a file holds it. */
export interface StoredTensor {
  readonly name: string;
  /** By safetensors' names: `F32`, `I64`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Float32, but batch norm's counters as the 64-bit integers that they are in PyTorch. */
export function storedForm(name: string, { shape, data }: StateEntry): StoredTensor {
  if (isCounter(name, data)) {
    const counts = BigInt64Array.from(data, (value) => BigInt(value));
    return { name, dtype: 'I64', shape, bytes: new Uint8Array(counts.buffer) };
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dtype: 'F32', shape, bytes };
}

/** Whether an entry is a count of batches, which a file of others may hold as any number. */
function isCounter(name: string, data: Float32Array): boolean {
  return name.endsWith(counterSuffix) && data.every(Number.isSafeInteger);
}

/** The numbers of one or more tensors, read after the pickle that names them. */
class Storage {
  bytes: Uint8Array | undefined;

  constructor(
    readonly key: string,
    readonly type: NumberType,
    readonly count: number,
  ) {}
}

/** A tensor as a pickle describes it: a view of a storage. */
class TensorView {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

const storageTypes: ReadonlyMap<string, NumberType> = new Map([
  ['torch.DoubleStorage', numberTypes.F64],
  ['torch.FloatStorage', numberTypes.F32],
  ['torch.HalfStorage', numberTypes.F16],
  ['torch.BFloat16Storage', numberTypes.BF16],
  ['torch.LongStorage', numberTypes.I64],
  ['torch.IntStorage', numberTypes.I32],
  ['torch.ByteStorage', numberTypes.U8],
]);

/** A state dict's `_metadata` follows it as its state; it says nothing of the weights. */
class OrderedDictionary extends Map<unknown, unknown> implements PickleStateful {
  [setPickleState](): void {
    return undefined;
  }
}

/** What a checkpoint's pickle may name: containers and tensors, nothing that could do anything. */
function torchGlobals(where: string): ReadonlyMap<string, PickleGlobal> {
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
    // The options of the program that saved the file; nobody here reads them either.
    ['argparse.Namespace', { call: () => ({ [setPickleState]: () => undefined }) }],
    ['collections.OrderedDict', { call: () => new OrderedDictionary() }],
    ['torch._utils._rebuild_tensor_v2', rebuild],
    ['torch._utils._rebuild_tensor', rebuild],
    ['torch._utils._rebuild_parameter', { call: ([tensor]) => tensor }],
    ...[...storageTypes.keys()].map((name) => [name, uncalled] as const),
  ]);
}

/** Collects the storages that a pickle refers to by `('storage', type, key, place, count, …)`. */
function storageCollector(where: string): {
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
function readTensor(view: TensorView, name: string, where: string): StateEntry {
  const { storage, offset, shape, strides } = view;
  const { bytes, type } = storage;
  const size = sizeOf(shape);
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
  return fileError`not a whole checkpoint of PyTorch (${where}): found ${found}. Get the file again, or name another one`;
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

/** What older PyTorch writes before its pickle, and the version that it had to the end. */
const legacyMagic = 0x1950a86a20f9469cfc6cn;
const legacyProtocol = 1001;

/** Keys under which training programs put a model's weights. */
const weightKeys = ['state_dict', 'model', 'model_state_dict', 'net', 'ema'] as const;
const parallelPrefix = 'module.';

/** Whether bytes are those of a zip archive, which `torch.save` writes since 1.6. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/**
 * The weights in a file of `torch.save`, new (zip) or old (legacy) form: the state dict itself or one
 * under `model`, `state_dict` and the like; `module.` of DataParallel is taken off; half precision
 * becomes float32. No code of the file is run: a pickle that names anything but tensors and containers
 * is refused.
 *
 * @throws LabError of kind `file` for anything else.
 */
export async function decodePth(
  bytes: Uint8Array,
  where: string,
): Promise<Map<string, StateEntry>> {
  const content = isZip(bytes) ? await readZip(bytes, where) : readLegacy(bytes, where);
  return stateDictOf(content, where);
}

async function readZip(bytes: Uint8Array, where: string): Promise<unknown> {
  const files = await unzip(bytes, where);
  const pickle = [...files].find(([name]) => name.endsWith('/data.pkl'));
  if (pickle === undefined) throw broken(where, 'a zip archive without data.pkl');
  const [name, content] = pickle;
  const folder = name.slice(0, -'data.pkl'.length);
  const order = files.get(`${folder}byteorder`);
  if (order && order.toString('latin1') !== 'little') throw broken(where, 'big-endian numbers');
  const { storages, load } = storageCollector(where);
  const { value } = unpickle(content, {
    globals: torchGlobals(where),
    persistentLoad: load,
    where,
  });
  for (const storage of storages.values()) {
    const data = files.get(`${folder}data/${storage.key}`);
    if (data?.byteLength !== storage.count * storage.type.size) {
      throw broken(where, `data '${storage.key}' of another length than its pickle says`);
    }
    storage.bytes = data;
  }
  return value;
}

/** Every file of an archive; yauzl leaves their checksums to its caller. */
async function unzip(bytes: Uint8Array, where: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  try {
    const zip = await fromBufferPromise(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      { lazyEntries: true },
    );
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      const content = await buffer(await zip.openReadStreamPromise(entry));
      if (files.has(entry.fileName)) throw new Error(`${entry.fileName} is there twice`);
      if (crc32(content) !== entry.crc32) throw new Error(`${entry.fileName} has a wrong checksum`);
      files.set(entry.fileName, content);
    }
  } catch (error) {
    throw broken(where, error instanceof Error ? error.message : String(error));
  }
  return files;
}

/** Five pickles (magic, protocol, system, content, keys of the storages), then each storage. */
function readLegacy(bytes: Uint8Array, where: string): unknown {
  const { storages, load } = storageCollector(where);
  const options = { globals: torchGlobals(where), persistentLoad: load, where };
  const magic = unpickle(bytes, { where });
  if (magic.value !== legacyMagic) throw broken(where, 'no mark of PyTorch at its beginning');
  const protocol = unpickle(bytes, { where, start: magic.end });
  if (protocol.value !== legacyProtocol) throw broken(where, 'another version of the old form');
  const system = unpickle(bytes, { where, start: protocol.end });
  if (system.value instanceof Map && system.value.get('little_endian') === false) {
    throw broken(where, 'big-endian numbers');
  }
  const content = unpickle(bytes, { ...options, start: system.end });
  const keys = unpickle(bytes, { where, start: content.end });
  if (!Array.isArray(keys.value)) throw broken(where, 'no list of its data');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = keys.end;
  for (const key of keys.value as readonly unknown[]) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || at + 8 > bytes.byteLength) throw broken(where, 'data cut off');
    const size = Number(view.getBigInt64(at, true)) * storage.type.size;
    at += 8;
    if (size !== storage.count * storage.type.size || at + size > bytes.byteLength) {
      throw broken(where, `data '${storage.key}' of another length than its pickle says`);
    }
    storage.bytes = bytes.subarray(at, at + size);
    at += size;
  }
  return content.value;
}

function stateDictOf(content: unknown, where: string): Map<string, StateEntry> {
  if (!(content instanceof Map)) throw broken(where, 'something else than a dictionary');
  const nested = weightKeys.map((key) => content.get(key) as unknown).find((v) => v instanceof Map);
  const dictionary: ReadonlyMap<unknown, unknown> = nested instanceof Map ? nested : content;
  const tensors = new Map<string, StateEntry>();
  for (const [key, value] of dictionary) {
    if (typeof key !== 'string' || !(value instanceof TensorView)) {
      throw broken(where, `an entry '${String(key)}' that is no tensor`);
    }
    const name = key.startsWith(parallelPrefix) ? key.slice(parallelPrefix.length) : key;
    tensors.set(name, readTensor(value, name, where));
  }
  if (tensors.size === 0) throw broken(where, 'no tensors');
  return tensors;
}
