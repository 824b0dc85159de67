import { readFileSync, statSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { dataError, type LabError } from '../errors';
import { errorCode, hashFile, writeAtomic, writeFault } from '../files';
import { isFile } from './paths';
import type { OnDataProgress } from './progress';

/** A digest that a file must have, hexadecimal. */
export interface Checksum {
  readonly algorithm: 'md5' | 'sha256';
  readonly value: string;
}

/** A file that can be fetched, and how it is known to be the right one. */
export interface RemoteFile {
  readonly url: string;
  /** What it is called where it is kept. */
  readonly fileName: string;
  readonly checksum: Checksum;
}

/** A connection that failed or broke off and may work if tried again. */
class BrokenOff extends Error {
  override readonly name = 'BrokenOff';

  /**
   * @param received bytes of the file that lie on disk by now
   * @param answered whether the server answered at all
   */
  constructor(
    message: string,
    readonly received: number,
    options: ErrorOptions = {},
    readonly answered = true,
  ) {
    super(message, options);
  }
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
}

interface FetchOptions {
  readonly url: string;
  readonly onProgress: OnDataProgress | undefined;
  readonly idleTimeout: number;
}

/**
 * Fetches what a partial file lacks; begins anew when the server cannot continue it.
 *
 * @throws BrokenOff when trying again may help, LabError when not.
 */
async function fetchInto(part: PartialFile, options: FetchOptions): Promise<void> {
  const { url, idleTimeout } = options;
  const start = part.size;
  const idle = new IdleTimer(idleTimeout);
  try {
    const response = await request(url, start, part.validator(url), idle);
    if (start > 0 && isNoContinuation(response, start)) {
      await response.body?.cancel();
      if (response.status === 416 && totalOfRange(response) === start) return;
      await part.remove();
      throw new BrokenOff('the server cannot continue the earlier download', 0);
    }
    refuseStatus(url, response.status, start);
    await store(part, response, options, idle);
  } finally {
    idle.stop();
  }
}

async function request(
  url: string,
  start: number,
  validator: string | undefined,
  idle: IdleTimer,
): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (start > 0) headers['range'] = `bytes=${start}-`;
  if (start > 0 && validator !== undefined) headers['if-range'] = validator;
  try {
    return await fetch(url, { headers, signal: idle.signal });
  } catch (error) {
    throw new BrokenOff(describeNetwork(error), start, { cause: error }, false);
  }
}

async function store(
  part: PartialFile,
  response: Response,
  { url, onProgress }: FetchOptions,
  idle: IdleTimer,
): Promise<void> {
  const start = response.status === 206 ? part.size : 0;
  const total = totalBytes(response, start);
  part.note(url, validatorOf(response));
  const file = await storing(part.path, () => open(part.path, start > 0 ? 'a' : 'w'));
  let received = start;
  try {
    for await (const chunk of chunksOf(response, () => received)) {
      idle.restart();
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

async function* chunksOf(
  { body }: Response,
  received: () => number,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    const message = `${describeNetwork(error)} after ${received()} bytes`;
    throw new BrokenOff(message, received(), { cause: error });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Ends a connection that has sent nothing for too long. */
class IdleTimer {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    const reason = new Error(`nothing was received for ${milliseconds / 1000} s`);
    this.timer = setTimeout(() => this.controller.abort(reason), milliseconds);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  restart(): void {
    this.timer.refresh();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

/** Whether a request to continue at `start` was answered by something else than the rest or the whole. */
function isNoContinuation({ status, headers }: Response, start: number): boolean {
  const range = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '');
  return status === 416 || (status === 206 && Number(range?.[1]) !== start);
}

function totalOfRange(response: Response): number | undefined {
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
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

function refuseStatus(url: string, status: number, received: number): void {
  if (status === 200 || status === 206) return;
  if (status >= 500 || status === 408 || status === 429) {
    throw new BrokenOff(`HTTP status ${status}`, received);
  }
  throw dataError`a server does not give the file (${url}): found HTTP status ${status}. Check the address in a browser, or take another form or source`;
}

/** @throws LabError of kind `file` when what is done to the file fails. */
async function storing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw writeFault(path, error);
  }
}

/** The system's reason for a failed request, which `fetch` hides in `cause`. */
function describeNetwork(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = errorCode(cause) ?? errorCode(error);
  const reason = cause instanceof Error ? cause : error;
  const message = reason instanceof Error ? reason.message : String(reason);
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

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
  const folder = dirname(destination);
  await storing(folder, () => mkdir(folder, { recursive: true }));
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
  throw dataError`${what} (${isDownload ? url : path}): found ${algorithm.toUpperCase()} ${found}, expected ${value}. ${
    isDownload
      ? `It was removed. Try again later or from elsewhere, or put the right file at ${destination}`
      : 'It is damaged or another one: move it away and run the same command again'
  }`;
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

function unreachable(url: string, destination: string, error: BrokenOff): LabError {
  return dataError.because(
    error,
  )`${error.answered ? 'a download broke off' : 'a server cannot be reached'} (${url}): found ${error.message}. Check the network and run the same command again: it goes on where it stopped. Or get the file by other means and put it at ${destination}`;
}
