import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time for the sent bytes to be read before the connection breaks, in milliseconds. */
const breakDelay = 150;

/** How the server answers; every field may change between requests. */
export interface ServedFile {
  bytes: Buffer;
  etag?: string | undefined;
  /** Whether it answers Range with 206; default true. */
  ranges?: boolean;
  /** Break the connection after this many bytes of the body. */
  breakAfter?: number | undefined;
  /** Keep the connection open instead of breaking it. */
  stall?: boolean;
  /** Answer with this status and no file. */
  status?: number | undefined;
  /** Send without a length, in chunks. */
  chunked?: boolean;
  /** Begin continued answers this many bytes later than asked. */
  rangeError?: number;
  /** Kind of content that it claims. */
  contentType?: string | undefined;
  /** What stands under other names; undefined answers 404. Without it all names have `bytes`. */
  named?: ((name: string) => Buffer | undefined) | undefined;
  /** Answer a part of a file with nothing of it, as if that were all. */
  emptyParts?: boolean;
  /** Pieces of this many bytes, with a pause of `breakDelay` between them. */
  slowPieces?: number | undefined;
  /** Answer nobody before this many requests have been open at once. */
  together?: number;
}

/** One request as it came. */
export interface Request {
  readonly url: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

export interface FileServer {
  readonly url: string;
  readonly file: ServedFile;
  readonly requests: Request[];
  /** How many requests were answered at once at most. */
  readonly mostAtOnce: () => number;
  /** Stops answering. */
  readonly close: () => Promise<void>;
}

/** A server of one file on this machine for each test of the enclosing `describe`. */
export function withFileServer(): () => FileServer {
  let current: FileServer;
  beforeEach(async () => {
    const file: ServedFile = { bytes: Buffer.alloc(0) };
    const requests: Request[] = [];
    const open = new Set<ServerResponse>();
    let most = 0;
    const waiting: (() => void)[] = [];
    const server = createServer((request, response) => {
      requests.push({
        url: request.url ?? '',
        range: request.headers.range,
        ifRange: request.headers['if-range']?.toString(),
      });
      most = Math.max(most, open.add(response).size);
      // What is finished may close much later, when the next request is there already.
      for (const event of ['finish', 'close']) response.on(event, () => open.delete(response));
      waiting.push(() => answer(file, request, response));
      if (most >= (file.together ?? 0)) for (const give of waiting.splice(0)) give();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    current = {
      url: `http://127.0.0.1:${port}/archive.tar.gz`,
      file,
      requests,
      mostAtOnce: () => most,
      close,
    };
  });
  afterEach(() => current.close());
  return () => current;
}

function answer(file: ServedFile, request: IncomingMessage, response: ServerResponse): void {
  const { etag, ranges = true, breakAfter, contentType, named, slowPieces } = file;
  const { stall = false, chunked = false, rangeError = 0, emptyParts = false } = file;
  const name = decodeURIComponent(basename(request.url ?? ''));
  const bytes = named === undefined ? file.bytes : named(name);
  const status = file.status ?? (bytes === undefined ? 404 : undefined);
  if (status !== undefined || bytes === undefined) {
    response.writeHead(status ?? 404).end();
    return;
  }
  const [, asked, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const start = asked !== undefined && ranges && isSame ? Number(asked) + rangeError : 0;
  if (start >= bytes.length && start > 0) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const isPart = asked !== undefined && ranges && isSame && (start > 0 || last !== '');
  const end = isPart && last ? Math.min(Number(last) + 1, bytes.length) : bytes.length;
  const body = bytes.subarray(start, isPart && emptyParts ? start : end);
  response.writeHead(isPart ? 206 : 200, {
    ...(etag === undefined ? {} : { etag }),
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(chunked ? {} : { 'content-length': body.length }),
    ...(isPart ? { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` } : {}),
  });
  if (slowPieces !== undefined) void sendSlowly(body, slowPieces, response);
  else if (breakAfter === undefined) response.end(body);
  else {
    response.write(body.subarray(0, breakAfter), () => {
      if (!stall) setTimeout(() => response.destroy(), breakDelay);
    });
  }
}

async function sendSlowly(body: Buffer, size: number, response: ServerResponse): Promise<void> {
  let at = 0;
  for (; at + size < body.length && !response.destroyed; at += size) {
    response.write(body.subarray(at, at + size));
    await sleep(breakDelay);
  }
  response.end(body.subarray(at));
}
