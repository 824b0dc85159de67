import { readFileSync, statSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { lock } from 'proper-lockfile';
import type { Response } from 'undici';
import { dataError } from '../errors';
import { errorCode, hashFile, type FileDigest, writeAtomic, writeFault } from '../files';
import {
  Attempts,
  BrokenOff,
  chunksOf,
  type FetchingOptions,
  IdleTimer,
  request,
  requireFile,
  requireGoingOn,
  startOfRange,
  totalOfRange,
  unreachable,
} from './http';
import { isFile } from './paths';
import type { OnDataProgress } from './progress';

/** A digest that a file must have, hexadecimal, or the first digits of it. */
export interface Checksum {
  readonly algorithm: FileDigest;
  readonly value: string;
}

/** A file that can be fetched, and how it is known to be the right one. */
export interface RemoteFile {
  readonly url: string;
  /** What it is called where it is kept. */
  readonly fileName: string;
  readonly checksum: Checksum;
}

/** The bytes of a download so far, and what tells whether the server still has the same file. */
class PartialFile {
  readonly path: string;
  private readonly notePath: string;

  constructor(readonly destination: string) {
    this.path = `${destination}.part`;
    this.notePath = `${destination}.part.json`;
  }

  /** Gives it its name. */
  async finish(): Promise<void> {
    await storing(this.destination, () => rename(this.path, this.destination));
    await this.remove();
  }

  get size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The strong ETag or the date that came with the bytes, for `If-Range`. */
  validator(url: string): string | undefined {
    try {
      const note: unknown = JSON.parse(readFileSync(this.notePath, 'utf8'));
      if (typeof note !== 'object' || note === null) return undefined;
      if (!('url' in note) || note.url !== url || !('validator' in note)) return undefined;
      return typeof note.validator === 'string' ? note.validator : undefined;
    } catch {
      // Without a readable note the checksum alone tells whether the pieces fit.
      return undefined;
    }
  }

  note(url: string, validator: string | undefined): void {
    writeAtomic(this.notePath, JSON.stringify({ url, validator }));
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.notePath, { force: true });
  }

  /** Puts what is wrong where nobody reads it, for the user to look at. @returns its name there */
  async putAside(): Promise<string> {
    const aside = `${this.destination}.wrong`;
    await storing(aside, () => rename(this.path, aside));
    await this.remove();
    return aside;
  }
}

/**
 * Fetches what a partial file lacks; begins anew when the server cannot continue it.
 *
 * @throws BrokenOff when trying again may help, LabError when not.
 */
async function fetchInto(part: PartialFile, options: DownloadOptions): Promise<void> {
  const { url, idleTimeout, signal } = options;
  const start = part.size;
  const idle = new IdleTimer(idleTimeout, signal);
  try {
    const response = await request(url, { start, validator: part.validator(url) }, idle);
    if (start > 0 && isNoContinuation(response, start)) {
      await response.body?.cancel();
      if (response.status === 416 && totalOfRange(response) === start) return;
      await part.remove();
      throw new BrokenOff('the server cannot continue the earlier download', 0);
    }
    requireFile(url, response, start);
    await store(part, response, options, idle);
  } finally {
    idle.end();
  }
}

async function store(
  part: PartialFile,
  response: Response,
  { url, onProgress }: DownloadOptions,
  idle: IdleTimer,
): Promise<void> {
  const start = response.status === 206 ? part.size : 0;
  const total = totalBytes(response, start);
  part.note(url, validatorOf(response));
  const file = await storing(part.path, () => open(part.path, start > 0 ? 'a' : 'w'));
  let received = start;
  try {
    for await (const chunk of chunksOf(response, idle, () => received)) {
      await storing(part.path, () => file.appendFile(chunk));
      received += chunk.length;
      const message = `downloading ${basename(part.destination)}`;
      const known = total === undefined ? {} : { total };
      onProgress?.({ message, unit: 'bytes', done: received, ...known });
    }
    await storing(part.path, () => file.sync());
  } finally {
    await file.close();
  }
  if (total !== undefined && received < total) {
    throw new BrokenOff(`${received} of ${total} bytes`, received);
  }
}

/** Whether a request to continue at `start` was answered by something else than the rest or the whole. */
function isNoContinuation(response: Response, start: number): boolean {
  const { status } = response;
  return status === 416 || (status === 206 && startOfRange(response) !== start);
}

function totalBytes(response: Response, start: number): number | undefined {
  // The length of an encoded body says nothing about the file.
  if (response.headers.has('content-encoding')) return undefined;
  const length = response.headers.get('content-length');
  return length === null ? undefined : start + Number(length);
}

/** `If-Range` takes a strong ETag or a date. */
function validatorOf({ headers }: Response): string | undefined {
  const etag = headers.get('etag');
  if (etag !== null && !etag.startsWith('W/')) return etag;
  return headers.get('last-modified') ?? undefined;
}

/** @throws LabError of kind `file` when what is done to the file fails. */
async function storing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw writeFault(path, error);
  }
}

/** Until the file is whole its bytes lie in `<destination>.part`. */
export interface DownloadOptions extends FetchingOptions {
  /** Undefined where none was published: then its length alone tells whether the file is whole. */
  readonly checksum: Checksum | undefined;
  readonly onProgress?: OnDataProgress | undefined;
}

export interface DownloadResult {
  readonly path: string;
  /** False when the right file was there already. */
  readonly downloaded: boolean;
}

/** A lock that its holder has not renewed for so long belongs to a dead process, in milliseconds. */
const staleAfter = 15_000;

/**
 * Downloads a file, checks it and only then gives it its name. What an earlier, broken-off download
 * left is continued (HTTP Range with If-Range) where the server can do that, else begun anew.
 *
 * @throws LabError of kind `data` when the server is out of reach, has no such file, breaks off again
 *   and again, or the bytes have another checksum; `file` when the disk is full.
 */
export async function download(options: DownloadOptions): Promise<DownloadResult> {
  const { destination } = options;
  if (await isThere(options)) return { path: destination, downloaded: false };
  const folder = dirname(destination);
  await storing(folder, () => mkdir(folder, { recursive: true }));
  return withLock(destination, async () => {
    requireGoingOn(options.signal);
    // Another process may have just finished it.
    if (await isThere(options)) return { path: destination, downloaded: false };
    const part = new PartialFile(destination);
    const resumed = part.size > 0;
    await fetchPatiently(options, part);
    if (resumed && !(await hasChecksum(options, part.path))) {
      // The earlier bytes may be of an older file: only a whole download can tell.
      await part.remove();
      await fetchPatiently(options, part);
    }
    await requireDownloaded(options, part);
    await part.finish();
    return { path: destination, downloaded: true };
  });
}

async function isThere(options: DownloadOptions): Promise<boolean> {
  const { destination } = options;
  if (!isFile(destination)) return false;
  await requireChecksum(options, destination, 'a file of that name is already there');
  return true;
}

async function fetchPatiently(options: DownloadOptions, part: PartialFile): Promise<void> {
  const { url, destination, checksum } = options;
  const attempts = new Attempts(options);
  for (;;) {
    // Without a mark of the server or a checksum nobody could tell whether the pieces fit.
    if (checksum === undefined && part.validator(url) === undefined) await part.remove();
    try {
      await fetchInto(part, options);
      return;
    } catch (error) {
      // A server that does not answer at first will not answer a second later.
      if (attempts.isFirst && error instanceof BrokenOff && !error.answered) {
        throw unreachable(url, destination, error);
      }
      await attempts.failed(error);
    }
  }
}

async function requireDownloaded(
  { url, destination, checksum }: DownloadOptions,
  part: PartialFile,
): Promise<void> {
  const found = await wrongDigest(part.path, checksum);
  if (found === undefined) return;
  const aside = await part.putAside();
  throw dataError`a download has the wrong checksum (${url}): found ${found}. It is kept as ${aside} and not used. Try again later or from elsewhere, or put the right file at ${destination}`;
}

async function hasChecksum({ checksum }: DownloadOptions, path: string): Promise<boolean> {
  return (await wrongDigest(path, checksum)) === undefined;
}

/** The digest of a file that is not the one expected, with both in words; undefined where it is. */
export async function wrongDigest(
  path: string,
  checksum: Checksum | undefined,
): Promise<string | undefined> {
  if (checksum === undefined) return undefined;
  const { algorithm, value } = checksum;
  const found = await hashFile(path, algorithm);
  return found.startsWith(value)
    ? undefined
    : `${algorithm.toUpperCase()} ${found}, expected ${value}`;
}

async function requireChecksum(
  { checksum }: DownloadOptions,
  path: string,
  what: string,
): Promise<void> {
  const found = await wrongDigest(path, checksum);
  if (found === undefined) return;
  throw dataError`${what} (${path}): found ${found}. It is damaged or another one: move it away and run the same command again`;
}

async function withLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  let lost = false;
  let release: () => Promise<void>;
  try {
    release = await lock(path, {
      realpath: false,
      stale: staleAfter,
      onCompromised: () => {
        lost = true;
      },
    });
  } catch (error) {
    if (errorCode(error) !== 'ELOCKED') throw writeFault(`${path}.lock`, error);
    throw dataError`another process is downloading the same file (${path}). Wait for it; if none is running, try again in ${staleAfter / 1000} seconds`;
  }
  try {
    return await work();
  } finally {
    if (!lost) await release();
  }
}
