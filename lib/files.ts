import { createHash, randomInt } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileError, LabError } from './errors';
import { limitOf, requireWithin } from './limits';

/**
 * Writes a file under a temporary name, syncs it and renames it: a reader sees the old bytes or the
 * new ones, never half of them. Makes the folder when it is missing.
 *
 * @throws LabError of kind `file` when the disk is full or the place cannot be written; nothing new is
 * left there then.
 */
export function writeAtomic(path: string, bytes: string | Uint8Array): void {
  const temporary = `${path}.${randomInt(2 ** 47)}`;
  try {
    makeFolder(dirname(path));
    try {
      writeWhole(temporary, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw writeFault(path, error);
  }
}

/**
 * Makes a folder and those above it. `mkdir`'s own way of doing so tries for ever where a folder says that it is
 * there and takes nothing, as /proc does.
 */
export function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (errorCode(error) !== 'EEXIST' || !statSync(folder).isDirectory()) throw error;
  }
}

/** @throws LabError of kind `file` when there is no file at a path that an option names. */
export function requireFile(path: string, option: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  throw fileError`a file is not there (${option} ${path}): found ${existsSync(path) ? 'no regular file' : 'no such file'}. Name a file that exists`;
}

/**
 * Refuses a folder in which nothing can be written, before work that would be lost; leaves nothing there.
 *
 * @param option where the user named it
 * @throws LabError of kind `file`.
 */
export function requireWritable(folder: string, option: string): void {
  let there = resolve(folder);
  try {
    while (!existsSync(there)) there = dirname(there);
    rmdirSync(mkdtempSync(join(there, '.writable-')));
  } catch (error) {
    const code = errorCode(error);
    const found =
      code === 'ENOTDIR' ? 'a file, not a folder' : `${there}: ${code ?? reasonOf(error)}`;
    throw fileError.because(
      error,
    )`nothing can be written there (${option} ${folder}): found ${found}. Name a folder that you may write to`;
  }
}

/** Removes a folder and those above it that lie in `root`, as far as they are empty. */
export function removeEmptyFolders(folder: string, root: string): void {
  try {
    for (let at = folder; at.startsWith(root) && at !== root; at = dirname(at)) rmdirSync(at);
  } catch {
    // It holds something, or is not there.
  }
}

/** On a disk that fills up, the system writes what still fits and reports no error until the next call. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'wx');
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Removes what `writeAtomic` leaves of a file when its process is killed in the middle (`NAME.1234567`).
 * Only for a folder in which no other process writes.
 */
export function removeUnfinishedWrites(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (/\.(json|jsonl|safetensors)\.\d+$/.test(name)) rmSync(join(folder, name), { force: true });
  }
}

/** The error for a failed write, in words. */
export function writeFault(path: string, error: unknown): LabError {
  const code = errorCode(error);
  const full = fullDisk(code);
  const what = full ?? 'a file cannot be written';
  const fix =
    full === undefined
      ? 'Check that the folder exists and that you may write there'
      : 'Free some space and run the same command again: it goes on where it stopped';
  return fileError.because(error)`${what} (${path}): found ${String(code ?? error)}. ${fix}`;
}

/** In words, the fault of a code by which the system says that nothing more can be written; undefined for others. */
export function fullDisk(code: string | undefined): string | undefined {
  if (code === 'EDQUOT') return 'your share of the disk (quota) is used up';
  return code === 'ENOSPC' ? 'the disk is full' : undefined;
}

/** The system's code of an error (`ENOENT`, `ENOSPC`, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** SHA-256 of bytes in memory, hexadecimal. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** How a file may be hashed; `git` is the name that Git gives its content. */
export type FileDigest = 'sha256' | 'md5' | 'git';

/** A digest of a file, read as a stream, hexadecimal. */
export async function hashFile(path: string, algorithm: FileDigest = 'sha256'): Promise<string> {
  const hash = createHash(algorithm === 'git' ? 'sha1' : algorithm);
  if (algorithm === 'git') hash.update(`blob ${statSync(path).size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/**
 * The bytes of a file.
 *
 * @param fault the error for one that cannot be read, for the reason in short; or the way out of a plain one
 * @throws LabError
 */
export function readBytes(
  path: string,
  fault: string | ((found: string, cause: unknown) => LabError),
): Buffer {
  try {
    // A device has no end, and a pipe may have none.
    if (!statSync(path).isFile()) throw new Error('no regular file');
    return readFileSync(path);
  } catch (error) {
    const found = errorCode(error) === 'ENOENT' ? 'no such file' : reasonOf(error);
    throw typeof fault === 'string'
      ? fileError`a file cannot be read (${path}): found ${found}. ${fault}`
      : fault(found, error);
  }
}

/**
 * Reads a JSON file.
 *
 * @throws LabError of kind `file` when it is missing or is not JSON.
 */
export function readJson(path: string, fix: string): unknown {
  const bytes = readBytes(path, fix);
  try {
    return parseJson(bytes, path);
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw fileError`a file is not valid JSON (${path}): found ${reasonOf(error)}. ${fix}`;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const quote = 0x22;
const backslash = 0x5c;
const byteOrderMark = 0xfeff;

/**
 * Parses JSON that does not nest deeper than the limit: what walks through it later calls itself for each level.
 *
 * @throws SyntaxError where it is none; LabError of kind `file` where it is too deep.
 */
export function parseJson(bytes: Buffer, where: string): unknown {
  const deepest = limitOf('jsonDepth');
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      do at += bytes[at] === backslash ? 2 : 1;
      while (at < bytes.length && bytes[at] !== quote);
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > deepest) requireWithin('jsonDepth', depth, where);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  const text = bytes.toString('utf8');
  // Some programs put a mark before the text that is no part of it.
  return JSON.parse(text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text);
}

/** Whether a path that a file or an archive names would leave the folder that it is to lie in. */
export function leavesFolder(path: string): boolean {
  return /^[\\/]|^[A-Za-z]:|\0/.test(path) || path.split(/[\\/]/).includes('..');
}

/** Free space where a folder is or would be made. */
export function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return freeBytes(dirname(folder));
  }
}

/** Of a disk: `1.5 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Of memory, and of what is kept in it: `1.5 GiB`. */
export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
