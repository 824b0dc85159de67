import { type LabError, shown } from '../errors';
import type { StateEntry } from './state-dict';
import { unpickle } from './pickle';
import {
  broken,
  readTensors,
  type Storage,
  storageCollector,
  TensorView,
  torchGlobals,
} from './torch-pickle';
import { openZip } from './zip';

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
 * under `model`, `state_dict` and the like; `module.` of DataParallel is taken off; all numbers become
 * float32. What is beside the weights (an optimiser, a scheduler, notes) is passed over. No code of the file
 * is run: a pickle that names anything but tensors, containers and plain types of Python is refused.
 *
 * @param bytes - the whole file; the numbers of the old form are moved within it, to lie aligned
 * @throws LabError of kind `file` for anything else.
 */
export async function decodePth(
  bytes: Uint8Array,
  where: string,
): Promise<Map<string, StateEntry>> {
  const content = isZip(bytes) ? await readZip(bytes, where) : readLegacy(bytes, where);
  return stateDictOf(content, where);
}

/** What a checkpoint's pickle holds, and how the numbers that it tells of are read. */
interface Content {
  readonly value: unknown;
  readonly bytesOf: (storage: Storage) => Uint8Array;
}

async function readZip(bytes: Uint8Array, where: string): Promise<Content> {
  const files = await openZip(bytes, where, (found) => broken(where, found));
  const name = [...files.keys()].find((file) => file.endsWith('/data.pkl'));
  const pickle = name === undefined ? undefined : files.get(name)?.read();
  if (name === undefined || pickle === undefined) {
    throw broken(where, 'a zip archive without data.pkl');
  }
  const folder = name.slice(0, -'data.pkl'.length);
  const order = files.get(`${folder}byteorder`);
  if (order && Buffer.from(order.read()).toString('latin1') !== 'little') {
    throw broken(where, 'big-endian numbers');
  }
  const { load } = storageCollector(where);
  const globals = torchGlobals(where, pickle.byteLength);
  const { value } = unpickle(pickle, { globals, persistentLoad: load, where });
  return {
    value,
    bytesOf({ key, count, bytesEach }) {
      const data = files.get(`${folder}data/${key}`);
      if (data?.size !== count * bytesEach) throw otherLength(where, key);
      return data.read();
    },
  };
}

function otherLength(where: string, key: string): LabError {
  return broken(where, `data '${shown(key)}' of another length than its pickle says`);
}

/** Five pickles (magic, protocol, system, content, keys of the storages), then each storage. */
function readLegacy(bytes: Uint8Array, where: string): Content {
  const { storages, load } = storageCollector(where);
  const options = {
    globals: torchGlobals(where, bytes.byteLength),
    persistentLoad: load,
    where,
  };
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
  const found = new Map<Storage, Uint8Array>();
  let at = keys.end;
  for (const key of keys.value as readonly unknown[]) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || at + 8 > bytes.byteLength) throw broken(where, 'data cut off');
    const size = Number(view.getBigInt64(at, true)) * storage.bytesEach;
    at += 8;
    if (size !== storage.count * storage.bytesEach || at + size > bytes.byteLength) {
      throw otherLength(where, storage.key);
    }
    // Over the last bytes of its length, which is read: so aligned, the numbers need no copy when they are used.
    const aligned = at - ((bytes.byteOffset + at) % storage.bytesEach);
    bytes.copyWithin(aligned, at, at + size);
    found.set(storage, bytes.subarray(aligned, aligned + size));
    at += size;
  }
  return {
    value: content.value,
    bytesOf(storage) {
      const numbers = found.get(storage);
      if (numbers === undefined) throw otherLength(where, storage.key);
      return numbers;
    },
  };
}

/** The tensors by their names; what is none of weights is passed over, whatever it is. */
function stateDictOf({ value, bytesOf }: Content, where: string): Map<string, StateEntry> {
  if (!(value instanceof Map)) throw broken(where, 'something else than a dictionary');
  const nested = weightKeys
    .map((key) => value.get(key) as unknown)
    .find((entry) => entry instanceof Map && [...entry.values()].some(isTensor));
  const dictionary: ReadonlyMap<unknown, unknown> = nested instanceof Map ? nested : value;
  const views = new Map<string, TensorView>();
  const sources = new Map<string, string>();
  for (const [key, entry] of dictionary) {
    if (!isTensor(entry)) continue;
    if (typeof key !== 'string') throw broken(where, 'a tensor whose name is not text');
    const name = key.startsWith(parallelPrefix) ? key.slice(parallelPrefix.length) : key;
    const other = sources.get(name);
    if (other !== undefined) {
      throw broken(
        where,
        `both '${shown(other)}' and '${shown(key)}', which would be the same weights`,
      );
    }
    sources.set(name, key);
    views.set(name, entry);
  }
  if (views.size === 0) throw broken(where, 'no tensors');
  return readTensors(views, bytesOf, where);
}

function isTensor(value: unknown): value is TensorView {
  return value instanceof TensorView;
}
