import { createReadStream, statSync } from 'node:fs';
import { dataError } from '../errors';
import {
  Attempts,
  BrokenOff,
  chunksOf,
  type FetchingOptions,
  IdleTimer,
  request,
  requireFile,
  startOfRange,
  totalOfRange,
} from './http';

/** A file of which any part can be read, wherever it lies. */
export interface RangeSource {
  readonly size: number;
  /** Bytes from `start` to before `end`. */
  readonly read: (start: number, end: number) => AsyncIterable<Uint8Array>;
}

/** A file of this machine. */
export function fileRanges(path: string): RangeSource {
  return {
    size: statSync(path).size,
    read: (start, end) => createReadStream(path, { start, end: end - 1 }),
  };
}

/**
 * A file of a server that gives parts of files; undefined where the server does not. A part whose connection
 * breaks off is taken up again where it stopped.
 *
 * @throws LabError of kind `data` when the server is out of reach or has no such file.
 */
export async function serverRanges(options: FetchingOptions): Promise<RangeSource | undefined> {
  const size = await patiently(options, () => sizeOnServer(options));
  if (size === undefined) return undefined;
  return { size, read: (start, end) => bytesOf(options, size, start, end) };
}

async function sizeOnServer({
  url,
  idleTimeout,
  signal,
}: FetchingOptions): Promise<number | undefined> {
  const idle = new IdleTimer(idleTimeout, signal);
  try {
    const response = await request(url, { start: 0, end: 1 }, idle);
    await response.body?.cancel();
    requireFile(url, response, 0);
    return response.status === 206 ? totalOfRange(response) : undefined;
  } finally {
    idle.end();
  }
}

async function* bytesOf(
  options: FetchingOptions,
  size: number,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void> {
  const attempts = new Attempts(options);
  let at = start;
  while (at < end) {
    try {
      for await (const chunk of part(options, size, at, end)) {
        at += chunk.length;
        attempts.succeeded();
        yield chunk;
      }
    } catch (error) {
      await attempts.failed(error);
    }
  }
}

/** What one connection gives of a part. @throws BrokenOff when it ends early */
async function* part(
  { url, idleTimeout, signal }: FetchingOptions,
  size: number,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void> {
  const idle = new IdleTimer(idleTimeout, signal);
  let received = 0;
  try {
    const response = await request(url, { start, end }, idle);
    requireFile(url, response, 0);
    const total = totalOfRange(response);
    if (total !== undefined && total !== size) {
      throw dataError`a file has changed while it was fetched (${url}): found ${total} bytes, before ${size}. Run the same command again`;
    }
    if (response.status !== 206 || startOfRange(response) !== start) {
      throw new BrokenOff('the server does not give the part that was asked for', 0);
    }
    for await (const chunk of chunksOf(response, idle, () => received)) {
      received += chunk.length;
      yield chunk;
    }
    if (received !== end - start) {
      throw new BrokenOff(`${received} of ${end - start} bytes`, received);
    }
  } finally {
    idle.end();
  }
}

async function patiently<Result>(
  options: FetchingOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const attempts = new Attempts(options);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await attempts.failed(error);
    }
  }
}
