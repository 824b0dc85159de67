import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { fromBufferPromise } from 'yauzl';
import type { StateEntry } from '../nn/state';
import { unpickle } from './pickle';
import { broken, readTensor, storageCollector, TensorView, torchGlobals } from './pth/tensors';

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
