import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { create, extract } from 'tar';
import { fileError } from '../../lib/errors';
import {
  errorCode,
  freeBytes,
  fullDisk,
  gigabytes,
  hashFile,
  writeAtomic,
  writeFault,
} from '../../lib/files';
import { largestRatio, unreadableArchive } from '../../lib/formats/tar';

/** One file of an archive that was cut into several. */
export interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The names and SHA-256 of the parts, as `sha256sum -c` reads them. */
export const sumsName = 'SHA256SUMS';

/** What goes into an archive, and how that is cut. */
export interface Packing {
  /** The paths are below it. */
  readonly root: string;
  readonly paths: readonly string[];
  /** Where the parts go. */
  readonly folder: string;
  /** `NAME.tar.gz.001`, … */
  readonly name: string;
  /** The most a part has, in bytes. */
  readonly partSize: number;
  /** Of gzip, 0 to 9. */
  readonly level: number;
  readonly filter?: (path: string) => boolean;
  /** Hears of the bytes read so far. */
  readonly onBytes?: (done: number) => void;
}

/** Packs files and folders, links followed, into numbered parts with their checksums; none stays when it fails. */
export async function writeParts(packing: Packing): Promise<Part[]> {
  const { root, paths, folder, name, partSize, level, filter, onBytes } = packing;
  mkdirSync(folder, { recursive: true });
  const parts: Part[] = [];
  const next = (): OpenPart => newPart(folder, `${name}.tar.gz.${numbered(parts.length + 1)}`);
  let part = next();
  const archive = create(
    {
      ...{ cwd: root, portable: true, follow: true },
      ...(filter === undefined ? {} : { filter }),
    },
    [...paths],
  );
  async function* counted(): AsyncGenerator<Buffer> {
    let read = 0;
    for await (const chunk of archive) {
      onBytes?.((read += chunk.length));
      yield chunk;
    }
  }
  const cut = async (packed: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of packed) {
      let rest = chunk;
      while (part.bytes + rest.length > partSize) {
        const room = partSize - part.bytes;
        await part.write(rest.subarray(0, room));
        rest = rest.subarray(room);
        parts.push(await part.end());
        part = next();
      }
      await part.write(rest);
    }
    parts.push(await part.end());
  };
  try {
    await pipeline(counted, createGzip({ level }), cut);
    const sums = parts.map(({ name: of, sha256 }) => `${sha256}  ${of}\n`);
    writeAtomic(join(folder, sumsName), sums.join(''));
  } catch (error) {
    await part.drop();
    for (const { name: of } of parts) await rm(join(folder, of), { force: true });
    const full = fullDisk(errorCode(error));
    if (full === undefined) throw error;
    throw fileError.because(
      error,
    )`${full} (${folder}): found ${gigabytes(freeBytes(folder))} free once what was packed is gone. Free some space, or name another folder with --output`;
  }
  return parts;
}

const numbered = (number: number): string => String(number).padStart(3, '0');

interface OpenPart {
  readonly bytes: number;
  write(chunk: Buffer): Promise<void>;
  end(): Promise<Part>;
  drop(): Promise<void>;
}

/** One part, under another name until it is whole. */
function newPart(folder: string, name: string): OpenPart {
  const path = join(folder, name);
  const stream = createWriteStream(`${path}.unfinished`);
  // Whoever writes or ends it is told.
  stream.on('error', () => undefined);
  const hash = createHash('sha256');
  let bytes = 0;
  const end = async (): Promise<void> => {
    stream.end();
    await finished(stream);
  };
  const fault = (error: unknown): unknown => {
    // A stream that has failed says of each later call that it is closed.
    const cause = stream.errored ?? error;
    // What a full disk means here is said where the other parts are removed.
    return fullDisk(errorCode(cause)) === undefined ? writeFault(path, cause) : cause;
  };
  return {
    get bytes() {
      return bytes;
    },
    async write(chunk) {
      bytes += chunk.length;
      hash.update(chunk);
      await new Promise<void>((done, fail) => {
        stream.write(chunk, (error) => (error ? fail(fault(error)) : done()));
      });
    },
    async end() {
      try {
        await end();
        await rename(`${path}.unfinished`, path);
      } catch (error) {
        throw fault(error);
      }
      return { name, bytes, sha256: hash.digest('hex') };
    },
    async drop() {
      await end().catch(() => undefined);
      await rm(`${path}.unfinished`, { force: true });
    },
  };
}

/** Whether a folder holds parts. */
export const holdsParts = (folder: string): boolean => existsSync(join(folder, sumsName));

/**
 * Unpacks parts, checked first, or an archive in one file.
 *
 * @param source the folder of the parts, or the archive
 * @param wanted of the regular files in it
 * @throws LabError of kind `file` for a part that is missing or damaged, and for what is no such archive.
 */
export async function unpackParts(
  source: string,
  into: string,
  wanted: (path: string) => boolean,
): Promise<void> {
  const files = holdsParts(source) ? await checkedParts(source) : [source];
  async function* bytes(): AsyncGenerator<Buffer> {
    for (const file of files) yield* createReadStream(file) as AsyncIterable<Buffer>;
  }
  const unpack = extract({
    cwd: into,
    strict: true,
    maxDecompressionRatio: largestRatio(files),
    filter: (path, entry) => wanted(path) && 'type' in entry && entry.type === 'File',
  });
  try {
    await pipeline(Readable.from(bytes()), unpack);
  } catch (error) {
    throw unreadableArchive(source, error);
  }
}

async function checkedParts(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const line of readFileSync(join(folder, sumsName), 'utf8').split('\n')) {
    const [, expected, name = ''] = /^([0-9a-f]{64}) {2}([^/\\]+)$/.exec(line) ?? [];
    if (expected === undefined) continue;
    const path = join(folder, name);
    if (!existsSync(path)) {
      throw fileError`a part is missing (${path}): found no such file. Bring it over, and run the same command again`;
    }
    const found = await hashFile(path);
    if (found !== expected) {
      throw fileError`a part is damaged (${path}): found SHA-256 ${found}. Bring it over again`;
    }
    files.push(path);
  }
  return files;
}
