import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { LabError } from '../errors';
import { errorCode, hashFile, writeFault } from '../files';
import { fetchInto } from './download-fetch';
import { BrokenOff, PartialFile } from './download-part';
import { isFile } from './paths';
import type { OnDataProgress } from './progress';
import type { Checksum } from './remote';

export interface DownloadOptions {
  readonly url: string;
  /** Where the whole file goes; until then its bytes lie in `<destination>.part`. */
  readonly destination: string;
  /** Undefined where none was published: then its length alone tells whether the file is whole. */
  readonly checksum: Checksum | undefined;
  readonly onProgress?: OnDataProgress | undefined;
  /** How often a connection that breaks off is taken up again. Default 4. */
  readonly retries?: number;
  /** Wait before the first retry, in milliseconds; doubles each time. Default 1000. */
  readonly retryDelay?: number;
  /** A connection that sends nothing for so long has broken off, in milliseconds. Default 60,000. */
  readonly idleTimeout?: number;
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
  await makeFolder(dirname(destination));
  return withLock(destination, async () => {
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
    await finish(part, destination);
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
  const { url, destination, checksum, onProgress } = options;
  const { retries = 4, retryDelay = 1000, idleTimeout = 60_000 } = options;
  for (let attempt = 0; ; attempt++) {
    // Without a mark of the server or a checksum nobody could tell whether the pieces fit.
    if (checksum === undefined && part.validator(url) === undefined) await part.remove();
    try {
      await fetchInto(part, { url, onProgress, idleTimeout });
      return;
    } catch (error) {
      if (!(error instanceof BrokenOff)) throw error;
      // A server that does not answer at first will not answer a second later.
      const isHopeless = attempt === 0 && !error.answered;
      if (isHopeless || attempt >= retries) throw unreachable(url, destination, error);
      await sleep(retryDelay * 2 ** attempt);
    }
  }
}

async function requireDownloaded(options: DownloadOptions, part: PartialFile): Promise<void> {
  try {
    await requireChecksum(options, part.path, 'a download has the wrong checksum');
  } catch (error) {
    await part.remove();
    throw error;
  }
}

async function finish(part: PartialFile, destination: string): Promise<void> {
  try {
    await rename(part.path, destination);
  } catch (error) {
    throw writeFault(destination, error);
  }
  await part.remove();
}

async function hasChecksum({ checksum }: DownloadOptions, path: string): Promise<boolean> {
  return checksum === undefined || (await hashFile(path, checksum.algorithm)) === checksum.value;
}

async function requireChecksum(
  { url, destination, checksum }: DownloadOptions,
  path: string,
  what: string,
): Promise<void> {
  if (checksum === undefined) return;
  const { algorithm, value } = checksum;
  const found = await hashFile(path, algorithm);
  if (found === value) return;
  const isDownload = path !== destination;
  throw new LabError({
    kind: 'data',
    what,
    where: isDownload ? url : path,
    found: `${algorithm.toUpperCase()} ${found}, expected ${value}`,
    remedy: isDownload
      ? `It was removed. Try again later or from elsewhere, or put the right file at ${destination}`
      : 'It is damaged or another one: move it away and run the same command again',
  });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw writeFault(folder, error);
  }
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
    throw new LabError({
      kind: 'data',
      what: 'another process is downloading the same file',
      where: path,
      remedy: `Wait for it; if none is running, try again in ${staleAfter / 1000} seconds`,
    });
  }
  try {
    return await work();
  } finally {
    if (!lost) await release();
  }
}

function unreachable(url: string, destination: string, error: BrokenOff): LabError {
  return new LabError(
    {
      kind: 'data',
      what: error.answered ? 'a download broke off' : 'a server cannot be reached',
      where: url,
      found: error.message,
      remedy:
        'Check the network and run the same command again: it goes on where it stopped. ' +
        `Or get the file by other means and put it at ${destination}`,
    },
    { cause: error },
  );
}
