import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher, Response } from 'undici';
import { dataError, interruptedError, type LabError } from '../errors';
import { errorCode } from '../files';

/** What is fetched, and how patiently. */
export interface FetchingOptions {
  readonly url: string;
  /** Where the whole file goes. */
  readonly destination: string;
  /** How often a connection that breaks off is taken up again. Default 4. */
  readonly retries?: number;
  /** Wait before the first retry, in milliseconds; doubles each time. Default 1000. */
  readonly retryDelay?: number;
  /** A connection that sends nothing for so long has broken off, in milliseconds. Default 60,000. */
  readonly idleTimeout?: number;
  /** Stops it when aborted; what came is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** A connection that failed or broke off and may work if tried again. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';

  /**
   * @param received bytes of the file that are there by now
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

/** Ends a connection that has sent nothing for too long, or when the user stops. */
export class IdleTimer {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  /** @param stop aborted when the user stops */
  constructor(
    milliseconds = 60_000,
    private readonly stop?: AbortSignal,
  ) {
    const reason = new Error(`nothing was received for ${milliseconds / 1000} s`);
    this.timer = setTimeout(() => this.controller.abort(reason), milliseconds);
    this.signal =
      stop === undefined ? this.controller.signal : AbortSignal.any([this.controller.signal, stop]);
  }

  restart(): void {
    this.timer.refresh();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /** What a failed connection means: that it broke off, or that the user stopped. */
  faultOf(error: unknown, received: number, answered = true): Error {
    if (this.stop?.aborted) return stopped();
    const after = answered ? ` after ${received} bytes` : '';
    return new BrokenOff(`${describeNetwork(error)}${after}`, received, { cause: error }, answered);
  }
}

/** @throws LabError of kind `interrupted` when the user has stopped. */
export function requireGoingOn(stop: AbortSignal | undefined): void {
  if (stop?.aborted) throw stopped();
}

function stopped(): LabError {
  return interruptedError`stopped while fetching; what came is kept. Run the same command again: it goes on where it stopped`;
}

/** Counts failures without a success between them, and waits after each. */
export class Attempts {
  private failures = 0;

  constructor(private readonly options: FetchingOptions) {}

  /** Whether nothing has failed since the last success. */
  get isFirst(): boolean {
    return this.failures === 0;
  }

  succeeded(): void {
    this.failures = 0;
  }

  /** @throws LabError when it is no use to try again */
  async failed(error: unknown): Promise<void> {
    const { url, destination, retries = 4, retryDelay = 1000, signal } = this.options;
    if (!(error instanceof BrokenOff)) throw error;
    if (this.failures >= retries) throw unreachable(url, destination, error);
    await sleep(retryDelay * 2 ** this.failures, undefined, { signal }).catch(() =>
      requireGoingOn(signal),
    );
    this.failures += 1;
  }
}

/** The part of a file that is asked for. */
export interface AskedRange {
  readonly start: number;
  /** Exclusive; to the end of the file without it. */
  readonly end?: number;
  /** A mark of the file that the server must still have, else it sends the whole. */
  readonly validator?: string | undefined;
}

/**
 * Asks for a file or, from a `start` above 0 or with an `end`, for a part of it. A proxy is taken from
 * `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in capitals or not.
 *
 * @param have bytes that are there already, for the error
 * @throws BrokenOff when there is no answer
 */
export async function request(
  url: string,
  { start, end, validator }: AskedRange,
  idle: IdleTimer,
  have = start,
): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (start > 0 || end !== undefined) {
    headers['range'] = `bytes=${start}-${end === undefined ? '' : end - 1}`;
    if (validator !== undefined) headers['if-range'] = validator;
  }
  // Loaded by what fetches: it takes a tenth of the time in which any other command starts.
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const dispatcher = dispatcherOf(() => new EnvHttpProxyAgent());
  try {
    return await fetch(url, { headers, signal: idle.signal, dispatcher });
  } catch (error) {
    throw idle.faultOf(error, have, false);
  }
}

const dispatchers = new Map<string, Dispatcher>();

/** One for each setting of the environment: it is read when a dispatcher is made. */
function dispatcherOf(make: () => Dispatcher): Dispatcher {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  const key = names
    .flatMap((name) => [process.env[name], process.env[name.toUpperCase()]])
    .join('\n');
  const known = dispatchers.get(key);
  if (known !== undefined) return known;
  const made = make();
  dispatchers.set(key, made);
  return made;
}

/** The body of an answer, piece by piece. @throws BrokenOff when the connection does. */
export async function* chunksOf(
  { body }: Response,
  idle: IdleTimer,
  received: () => number,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      idle.restart();
      yield value;
    }
  } catch (error) {
    throw idle.faultOf(error, received());
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * Refuses an answer that is no file.
 *
 * @throws BrokenOff when trying again may help; LabError of kind `data` when not: another status, or a web
 *   page, as servers give for a file that has moved or a login that is wanted.
 */
export function requireFile(url: string, { status, headers }: Response, received: number): void {
  if (status >= 500 || status === 408 || status === 429) {
    throw new BrokenOff(`HTTP status ${status}`, received);
  }
  const fix = 'Check the address in a browser, or take another form or source';
  if (status !== 200 && status !== 206) {
    throw dataError`a server does not give the file (${url}): found HTTP status ${status}. ${fix}`;
  }
  const type = headers.get('content-type') ?? '';
  if (/^text\/html\b/i.test(type)) {
    throw dataError`a server does not give the file (${url}): found a web page (${type}). ${fix}`;
  }
}

/** The size of the whole file, as the answer to a range tells it. */
export function totalOfRange({ headers }: Response): number | undefined {
  const total = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}

/** Where the part begins that an answer holds. */
export function startOfRange({ headers }: Response): number | undefined {
  const start = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

/** The system's reason for a failed request, which `fetch` hides in `cause`. */
function describeNetwork(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = errorCode(cause) ?? errorCode(error);
  const reason = cause instanceof Error ? cause : error;
  const message = reason instanceof Error ? reason.message : String(reason);
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

/** The error for a server that cannot be reached, or breaks off again and again. */
export function unreachable(url: string, destination: string, error: BrokenOff): LabError {
  return dataError.because(
    error,
  )`${error.answered ? 'a download broke off' : 'a server cannot be reached'} (${url}): found ${error.message}. Check the network and run the same command again: it goes on where it stopped. Or get the file by other means and put it at ${destination}`;
}
