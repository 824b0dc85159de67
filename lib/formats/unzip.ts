import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { fileError, LabError } from '../errors';
import { errorCode, writeFault } from '../files';

/** An archive of which any part can be read: on this machine or on a server. */
interface ZipBytes {
  readonly size: number;
  readonly read: (start: number, end: number) => AsyncIterable<Uint8Array>;
}

interface UnzipOptions {
  /** As errors name the archive. */
  readonly where: string;
  /** Where the entry of this name goes; undefined passes it over. */
  readonly destinationOf: (name: string) => string | undefined;
  /** How many parts of the archive are read at once. */
  readonly connections: number;
  /** Told of each file that is there, those of an earlier attempt too. */
  readonly onProgress?: (done: {
    readonly files: number;
    readonly bytes: number;
    readonly totalBytes: number;
  }) => void;
}

/** How much of the archive is asked for at once, unless one entry is larger. */
const blockBytes = 2 ** 23;
/** How much is read ahead of the list of entries. */
const windowBytes = 2 ** 20;
const localHeader = { bytes: 30, mark: 0x04034b50, nameLength: 26, extraLength: 28 } as const;
/** Names and extra fields take at most so much before an entry's content, and a descriptor after it. */
const mostAround = localHeader.bytes + 2 * 0xffff + 24;

/** An entry that is wanted, and where it ends at the latest. */
interface Wanted {
  readonly entry: Entry;
  readonly destination: string;
  readonly end: number;
}

/**
 * Takes chosen files out of a zip archive without having it whole: the list of entries at its end is read first,
 * then the parts that hold files which are not there yet, several at once. Each file is held against its CRC-32
 * and gets its name only then, so that what an earlier attempt left counts.
 *
 * @returns how many files are there
 * @throws LabError of kind `file` when the archive is damaged or a file cannot be written; what `read` throws.
 */
export async function unzip(archive: ZipBytes, options: UnzipOptions): Promise<number> {
  const zip = await opened(archive, options.where);
  const wanted = await listed(zip, archive.size, options);
  const totalBytes = wanted.reduce((sum, { entry }) => sum + entry.compressedSize, 0);
  const missing: Wanted[] = [];
  for (const each of wanted) if (!(await isThere(each))) missing.push(each);
  let files = wanted.length - missing.length;
  let bytes = totalBytes - missing.reduce((sum, { entry }) => sum + entry.compressedSize, 0);
  if (files > 0) options.onProgress?.({ files, bytes, totalBytes });
  const done = ({ entry }: Wanted): void => {
    files += 1;
    bytes += entry.compressedSize;
    options.onProgress?.({ files, bytes, totalBytes });
  };
  const blocks = inBlocks(missing);
  let failed = false;
  const work = async (): Promise<void> => {
    for (let block = blocks.shift(); block !== undefined && !failed; block = blocks.shift()) {
      try {
        await unzipBlock(archive, zip, block, options.where, done);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: options.connections }, work));
  const fault = results.find((result) => result.status === 'rejected');
  if (fault !== undefined) throw fault.reason;
  return files;
}

/** Reads ahead, as yauzl asks for the list of entries in small pieces. */
class AheadReader extends RandomAccessReader {
  private start = 0;
  private window: Buffer = Buffer.alloc(0);

  constructor(private readonly archive: ZipBytes) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.archive.read(start, end));
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.bytes(position, length).then(
      (bytes) => {
        bytes.copy(buffer, offset);
        callback(null);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  }

  private async bytes(position: number, length: number): Promise<Buffer> {
    const from = position - this.start;
    if (from >= 0 && from + length <= this.window.length) {
      return this.window.subarray(from, from + length);
    }
    const end = Math.min(this.archive.size, position + Math.max(length, windowBytes));
    this.window = await gathered(this.archive, position, end);
    this.start = position;
    return this.window.subarray(0, length);
  }
}

async function gathered(archive: ZipBytes, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive.read(start, end)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function opened(archive: ZipBytes, where: string): Promise<ZipFile> {
  try {
    return await fromRandomAccessReaderPromise(new AheadReader(archive), archive.size, {
      autoClose: false,
      lazyEntries: true,
      strictFileNames: true,
    });
  } catch (error) {
    throw faulty(where, error);
  }
}

/** The wanted entries in the order of their places. */
async function listed(
  zip: ZipFile,
  size: number,
  { where, destinationOf }: UnzipOptions,
): Promise<Wanted[]> {
  const entries: Entry[] = [];
  try {
    for await (const entry of zip.eachEntry()) entries.push(entry);
  } catch (error) {
    throw faulty(where, error);
  }
  entries.sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  const taken = new Set<string>();
  return entries.flatMap((entry, index) => {
    const destination = destinationOf(entry.fileName);
    if (destination === undefined || entry.fileName.endsWith('/')) return [];
    if (taken.has(destination)) throw faulty(where, `a file twice: '${entry.fileName}'`);
    taken.add(destination);
    const start = entry.relativeOffsetOfLocalHeader;
    const next = entries[index + 1]?.relativeOffsetOfLocalHeader ?? size;
    const end = Math.min(next, start + mostAround + entry.compressedSize);
    return [{ entry, destination, end }];
  });
}

async function isThere({ entry, destination }: Wanted): Promise<boolean> {
  const found = await stat(destination).catch(() => undefined);
  return found?.isFile() === true && found.size === entry.uncompressedSize;
}

/** Entries that lie side by side, together where they are small. */
function inBlocks(wanted: readonly Wanted[]): Wanted[][] {
  const blocks: Wanted[][] = [];
  let end = -1;
  let room = 0;
  for (const each of wanted) {
    const start = each.entry.relativeOffsetOfLocalHeader;
    const last = blocks.at(-1);
    if (last !== undefined && start === end && each.end - start <= room) last.push(each);
    else {
      blocks.push([each]);
      room = blockBytes;
    }
    room -= each.end - start;
    ({ end } = each);
  }
  return blocks;
}

async function unzipBlock(
  archive: ZipBytes,
  zip: ZipFile,
  block: readonly Wanted[],
  where: string,
  done: (file: Wanted) => void,
): Promise<void> {
  const [first] = block;
  const last = block.at(-1);
  if (first === undefined || last === undefined) return;
  const start = first.entry.relativeOffsetOfLocalHeader;
  if (last.end - start > blockBytes) {
    await unzipLarge(zip, first, where);
    return done(first);
  }
  const bytes = await gathered(archive, start, last.end);
  for (const each of block) {
    const at = each.entry.relativeOffsetOfLocalHeader - start;
    const content = await contentOf(each.entry, bytes.subarray(at), where);
    await place(each.destination, (temporary) => writeFile(temporary, content));
    done(each);
  }
}

const inflate = promisify(inflateRaw);

async function contentOf(entry: Entry, bytes: Buffer, where: string): Promise<Buffer> {
  const { fileName, compressedSize, uncompressedSize, compressionMethod } = entry;
  const { bytes: headerBytes, mark, nameLength, extraLength } = localHeader;
  if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== mark) {
    throw faulty(where, `no file where '${fileName}' should be`);
  }
  const start = headerBytes + bytes.readUInt16LE(nameLength) + bytes.readUInt16LE(extraLength);
  const stored = bytes.subarray(start, start + compressedSize);
  requireReadable(entry, where);
  let content: Buffer;
  try {
    content =
      compressionMethod === 0
        ? stored
        : await inflate(stored, { maxOutputLength: Math.max(1, uncompressedSize) });
  } catch (error) {
    throw faulty(
      where,
      `'${fileName}' damaged: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  requireContent(entry, content.length, crc32(content), where);
  return content;
}

/** An entry too large for memory, as a stream. */
async function unzipLarge(
  zip: ZipFile,
  { entry, destination }: Wanted,
  where: string,
): Promise<void> {
  requireReadable(entry, where);
  let sum = 0;
  let length = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _, next) {
      sum = crc32(chunk, sum);
      length += chunk.length;
      next(null, chunk);
    },
  });
  await place(destination, async (temporary) => {
    const content = await zip.openReadStreamPromise(entry).catch((error: unknown) => {
      throw faulty(where, error);
    });
    await pipeline(content, counted, createWriteStream(temporary)).catch((error: unknown) => {
      // Without a code or with one of zlib's it is the archive's fault, not the disk's.
      const code = errorCode(error) ?? 'Z_';
      throw code.startsWith('Z_') ? faulty(where, error) : error;
    });
    requireContent(entry, length, sum, where);
  });
}

function requireReadable(entry: Entry, where: string): void {
  const { fileName, compressionMethod } = entry;
  if (!entry.isEncrypted() && (compressionMethod === 0 || compressionMethod === 8)) return;
  throw faulty(where, `'${fileName}' encrypted or compressed in a way that is not read`);
}

function requireContent(
  { fileName, uncompressedSize, crc32: expected }: Entry,
  length: number,
  sum: number,
  where: string,
): void {
  if (length === uncompressedSize && sum === expected) return;
  throw faulty(where, `'${fileName}' damaged: its CRC-32 is another`);
}

/** Lets a file be written under a temporary name, and gives it its own. */
async function place(
  destination: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${destination}.unpacking`;
  try {
    await mkdir(dirname(destination), { recursive: true });
    await write(temporary);
    await rename(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error instanceof LabError ? error : writeFault(destination, error);
  }
}

function faulty(where: string, cause: unknown): LabError {
  if (cause instanceof LabError) return cause;
  const found = cause instanceof Error ? cause.message : String(cause);
  return fileError.because(
    cause,
  )`an archive cannot be read (${where}): found ${found}. It is damaged or another one: get it from elsewhere`;
}
