import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { list, type ReadEntry } from 'tar';
import { fileError, LabError, shown } from '../errors';
import { errorCode, leavesFolder, makeFolder, writeFault } from '../files';
import { limitOf, limitsVariable } from '../limits';

/**
 * Reads files out of a `.tar`, `.tar.gz` or `.tgz` into memory, without unpacking anything to disk. Files that
 * are not there are missing from the result.
 *
 * @param wanted base names, with the most bytes that each may have
 * @throws LabError of kind `file` when the archive cannot be read, is damaged or is cut off.
 */
export async function readTarFiles(
  path: string,
  wanted: ReadonlyMap<string, number>,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  let tooLarge: string | undefined;
  const onReadEntry = (entry: ReadEntry): void => {
    const name = basename(entry.path);
    const most = wanted.get(name);
    if (most === undefined || files.has(name) || !isFile(entry)) return;
    if (entry.size > most) {
      tooLarge ??= `${shown(entry.path)} of ${entry.size} bytes where at most ${most} belong`;
      return;
    }
    const bytes = new Uint8Array(entry.size);
    files.set(name, bytes);
    let filled = 0;
    entry.on('data', (chunk: Uint8Array) => {
      bytes.set(chunk, filled);
      filled += chunk.length;
    });
  };
  try {
    await list({
      file: path,
      strict: true,
      maxDecompressionRatio: largestRatio([path]),
      onReadEntry,
    });
  } catch (error) {
    throw unreadableArchive(path, error);
  }
  if (tooLarge !== undefined) throw unreadableArchive(path, tooLarge);
  return files;
}

/** What a small archive unpacks to is never too much, in bytes. */
const alwaysUnpacked = 2 ** 28;

/** For `tar`: unpacked bytes for each byte of an archive, in one file or in parts. */
export function largestRatio(files: readonly string[]): number {
  const size = files.reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return Math.max(limitOf('unpackedRatio'), alwaysUnpacked / Math.max(1, size));
}

/** Whether an entry is a plain file, not a link, a folder or a device. */
export function isFile({ type }: ReadEntry): boolean {
  return type === 'File' || type === 'OldFile' || type === 'ContiguousFile';
}

/** The error for an archive that is missing, damaged, cut off or not to be trusted. */
export function unreadableArchive(path: string, cause: unknown): LabError {
  return fileError.because(
    cause,
  )`an archive cannot be read (${path}): found ${describe(cause)}. It is damaged, cut off or not a tar archive: remove it and get it again`;
}

function describe(error: unknown): string {
  if (errorCode(error) === 'ENOENT') return 'no such file';
  const text = error instanceof Error ? error.message : String(error);
  if (!text.startsWith('max decompression ratio')) return text;
  return `more than ${limitOf('unpackedRatio')} bytes unpacked for each of its own (${limitsVariable}=2 raises every limit)`;
}

/** A file that came out of an archive. */
interface ExtractedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

interface TarExtractOptions {
  /** Where the entry of this path in the archive goes; undefined passes it over. */
  readonly destinationOf: (entryPath: string) => string | undefined;
  /** Bytes written so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Takes chosen files out of a `.tar` or `.tar.gz` as streams. Where they go is the caller's choice alone,
 * never a path of the archive, and they get their names only when the whole archive was read: a fault
 * leaves nothing.
 *
 * @throws LabError of kind `file` when the archive is missing, damaged or cut off, has an entry that
 *   would leave its folder, a link in the place of a chosen file or one twice, or the disk is full.
 */
export async function extractTarFiles(
  archive: string,
  { destinationOf, onProgress }: TarExtractOptions,
): Promise<ExtractedFile[]> {
  const outputs = new Map<string, Output>();
  let fault: unknown;
  let written = 0;
  const guarded = (work: () => void): void => {
    if (fault !== undefined) return;
    try {
      work();
    } catch (error) {
      fault = error;
    }
  };
  const onReadEntry = (entry: ReadEntry): void =>
    guarded(() => {
      if (leavesFolder(entry.path)) {
        throw unreadableArchive(archive, `an entry that leaves its folder: '${shown(entry.path)}'`);
      }
      const destination = destinationOf(entry.path);
      if (destination === undefined || entry.type === 'Directory') return;
      if (!isFile(entry) || outputs.has(destination)) {
        const kind = isFile(entry) ? 'a file twice' : `no plain file but ${entry.type}`;
        throw unreadableArchive(archive, `${kind}: '${shown(entry.path)}'`);
      }
      const output = new Output(destination);
      outputs.set(destination, output);
      entry.on('data', (chunk: Uint8Array) =>
        guarded(() => {
          output.write(chunk);
          written += chunk.length;
          onProgress?.(written);
        }),
      );
    });
  try {
    await list({
      file: archive,
      strict: true,
      maxDecompressionRatio: largestRatio([archive]),
      onReadEntry,
    });
    if (fault !== undefined) throw fault;
    return [...outputs.values()].map((output) => output.finish());
  } catch (error) {
    throw error instanceof LabError ? error : unreadableArchive(archive, error);
  } finally {
    for (const output of outputs.values()) output.discard();
  }
}

/** A file under a temporary name until it is finished. */
class Output {
  readonly #temporary: string;
  readonly #hash: Hash = createHash('sha256');
  readonly #file: number;
  #open = true;
  #bytes = 0;

  constructor(readonly path: string) {
    this.#temporary = `${path}.unpacking`;
    this.#file = writing(path, () => {
      makeFolder(dirname(path));
      rmSync(this.#temporary, { force: true });
      return openSync(this.#temporary, 'wx');
    });
  }

  write(chunk: Uint8Array): void {
    writing(this.path, () => {
      for (let at = 0; at < chunk.length;) at += writeSync(this.#file, chunk, at);
    });
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  finish(): ExtractedFile {
    writing(this.path, () => {
      fsyncSync(this.#file);
      this.#close();
      renameSync(this.#temporary, this.path);
    });
    return { path: this.path, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  /** Removes what was not finished. */
  discard(): void {
    this.#close();
    rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }
}

function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw writeFault(path, error);
  }
}
