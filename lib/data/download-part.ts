import { readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { writeAtomic } from '../files';

/** A connection that failed or broke off and may work if tried again. */
export class BrokenOff extends Error {
  /** Bytes of the file that lie on disk by now. */
  readonly received: number;
  /** Whether the server answered at all. */
  readonly answered: boolean;

  constructor(
    message: string,
    received: number,
    { answered = true, ...options }: ErrorOptions & { answered?: boolean } = {},
  ) {
    super(message, options);
    this.name = 'BrokenOff';
    this.received = received;
    this.answered = answered;
  }
}

/** The bytes of a download so far, and what tells whether the server still has the same file. */
export class PartialFile {
  readonly path: string;
  readonly name: string;
  private readonly notePath: string;

  constructor(destination: string) {
    this.path = `${destination}.part`;
    this.name = basename(destination);
    this.notePath = `${destination}.part.json`;
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
