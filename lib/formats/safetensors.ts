import { createHash } from 'node:crypto';
import { z } from 'zod';
import { fileError, type LabError, shown } from '../errors';
import { readBytes, writeAtomic } from '../files';
import { requireWithin } from '../limits';
import { type StateDict, type StateEntry, storedEntry } from './state-dict';
import { type NumberType, numberTypes, sizeOf } from './numbers';
import { storedForm, type StoredTensor } from './pth';

/** The header's entry that holds the hash of everything else; a name that other programs do not use. */
const hashKey = 'norm-direction-lab.sha256';

/** SHA-256 over the tensors by name and over the metadata, however they lie in the file. */
function contentHash(
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>>,
): string {
  const hash = createHash('sha256');
  const named = tensors.map((tensor) => [tensor.name, tensor] as const);
  hash.update(JSON.stringify(byName(Object.entries(metadata))));
  for (const [name, { dtype, shape, bytes }] of byName(named)) {
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(bytes);
  }
  return hash.digest('hex');
}

function byName<T>(items: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return [...items].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The safetensors format: eight bytes of header length (little-endian), a JSON header that names each
 * tensor's type, shape and place, then the numbers. It holds no code, and the format has no checksum:
 * files written here carry a hash of their content in the header, which is verified wherever it is found.
 * In a file of others only a header that contradicts itself can be noticed; for damaged numbers, put a
 * `sha256sum` beside it (see `readWeights`).
 */
export interface SafetensorsFile {
  readonly tensors: Map<string, StateEntry>;
  /** Free text under free names, from the header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

const tensorSchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const metadataSchema = z.record(z.string(), z.string());
const knownTypes: ReadonlyMap<string, NumberType> = new Map(Object.entries(numberTypes));
/** Kinds of the format that are no weights here, with the bits of a number: passed over. */
const otherTypes: ReadonlyMap<string, number> = new Map([
  ['C64', 64],
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
]);

/**
 * The bytes of a file with float32 tensors, batch norm's counters as 64-bit integers; equal content gives
 * equal bytes.
 */
export function encodeSafetensors(
  tensors: StateDict,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const stored = [...tensors].map(([name, entry]) => storedForm(name, entry));
  // Wider numbers first, as the official writer does: then all lie aligned.
  const numbers = [
    ...stored.filter(({ dtype }) => dtype === 'I64'),
    ...stored.filter(({ dtype }) => dtype !== 'I64'),
  ];
  const places = new Map<string, [number, number]>();
  let offset = 0;
  for (const { name, bytes } of numbers) {
    places.set(name, [offset, offset + bytes.byteLength]);
    offset += bytes.byteLength;
  }
  const header: Record<string, unknown> = {
    __metadata__: { ...metadata, [hashKey]: contentHash(stored, metadata) },
  };
  for (const { name, dtype, shape } of stored) {
    header[name] = { dtype, shape, data_offsets: places.get(name) };
  }
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  // Spaces make the header a multiple of eight, so that the numbers lie aligned.
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...numbers.map(({ bytes }) => bytes)]);
}

/** Writes a file atomically. */
export function writeSafetensors(
  path: string,
  tensors: StateDict,
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeAtomic(path, encodeSafetensors(tensors, metadata));
}

/**
 * Reads a file; numbers of every type become float32 when they are asked for, complex ones and those of less
 * than a byte are passed over.
 *
 * @throws LabError of kind `file` when it is missing, truncated, not of this format, or has a hash
 *   that its content does not have.
 */
export function readSafetensors(path: string): SafetensorsFile {
  const bytes = readBytes(path, (found) => damaged(path, found));
  return decodeSafetensors(bytes, path);
}

/** The content of a file's bytes; `where` names it in errors. */
export function decodeSafetensors(bytes: Uint8Array, where: string): SafetensorsFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 8) throw damaged(where, `${bytes.byteLength} bytes`);
  const headerLength = Number(view.getBigUint64(0, true));
  if (8 + headerLength > bytes.byteLength) {
    throw damaged(where, `a header of ${headerLength} bytes in a file of ${bytes.byteLength}`);
  }
  requireWithin('headerBytes', headerLength, where);
  const header = parseHeader(bytes.subarray(8, 8 + headerLength), where);
  const numbersAt = 8 + headerLength;
  const tensors = new Map<string, StateEntry>();
  const stored: (StoredTensor & { readonly start: number; readonly end: number })[] = [];
  let metadata: Record<string, string> = {};
  let covered = 0;
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = checked(metadataSchema, value, where, name);
      continue;
    }
    const { dtype, shape, data_offsets: place } = checked(tensorSchema, value, where, name);
    const type = knownTypes.get(dtype);
    const bits = type ? 8 * type.size : otherTypes.get(dtype);
    if (bits === undefined)
      throw damaged(where, `tensor '${shown(name)}' of unknown type ${shown(dtype)}`);
    const [start, end] = place;
    if (8 * (end - start) !== sizeOf(shape) * bits || numbersAt + end > bytes.byteLength) {
      throw damaged(
        where,
        `tensor '${shown(name)}' [${shape.join(', ')}] at bytes ${start} to ${end}`,
      );
    }
    covered += end - start;
    const numbers = bytes.subarray(numbersAt + start, numbersAt + end);
    if (type) tensors.set(name, storedEntry(shape, { bytes: numbers, type, offset: 0 }));
    stored.push({ name, dtype, shape, bytes: numbers, start, end });
  }
  if (numbersAt + covered !== bytes.byteLength) {
    throw damaged(where, `${bytes.byteLength - numbersAt} bytes of numbers, ${covered} named`);
  }
  const places = stored.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const apart = places.find(({ start }, index) => start !== (places[index - 1]?.end ?? 0));
  if (apart) throw damaged(where, `tensor '${shown(apart.name)}' not where the one before it ends`);
  const { [hashKey]: expected, ...others } = metadata;
  if (expected !== undefined && contentHash(stored, others) !== expected) {
    throw damaged(where, 'content that is not what was written: its hash is another');
  }
  return { tensors, metadata: others };
}

function parseHeader(bytes: Uint8Array, where: string): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (isObject(header)) return header;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw damaged(where, 'a header that is not a JSON object');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw damaged(where, `a broken entry '${shown(name)}' in the header`);
}

function damaged(where: string, found: string): LabError {
  return fileError`not a whole safetensors file (${where}): found ${found}. Get the file again, or name another one`;
}
