import { open } from 'node:fs/promises';
import { LabError } from '../errors';
import { errorCode, writeFault } from '../files';
import { BrokenOff, type PartialFile } from './download-part';
import type { OnDataProgress } from './progress';

export interface FetchOptions {
  readonly url: string;
  readonly onProgress: OnDataProgress | undefined;
  readonly idleTimeout: number;
}

/**
 * Fetches what a partial file lacks; begins anew when the server cannot continue it.
 *
 * @throws BrokenOff when trying again may help, LabError when not.
 */
export async function fetchInto(part: PartialFile, options: FetchOptions): Promise<void> {
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
    throw new BrokenOff(describeNetwork(error), start, { cause: error, answered: false });
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
      const message = `downloading ${part.name}`;
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
  throw new LabError({
    kind: 'data',
    what: 'a server does not give the file',
    where: url,
    found: `HTTP status ${status}`,
    remedy: 'Check the address in a browser, or take another form or source',
  });
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
