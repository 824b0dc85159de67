import * as fs from 'node:fs';
import { isMainThread, parentPort } from 'node:worker_threads';
import { lock } from 'proper-lockfile';
import { errorCode } from '../files';

/** What the thread is asked to do. */
export interface KeeperRequest {
  readonly id: number;
  readonly kind: 'take' | 'release';
  readonly path: string;
  /** Of a lock to take: after so many milliseconds without being renewed another's is abandoned. */
  readonly stale?: number;
}

/** What it answers, and what it says by itself when a lock is lost. */
export type KeeperReply =
  | { readonly id: number; readonly kind: 'taken' | 'held by another' | 'released' }
  | { readonly id: number; readonly kind: 'failed'; readonly code: string; readonly text: string }
  | { readonly kind: 'lost'; readonly path: string };

/** How often a held lock is renewed, in milliseconds. */
const renewEvery = 3000;

/**
 * On a network file system `stat` may answer from a cache that is a minute old, and a lock that is
 * renewed would look abandoned; opening makes the system ask the server.
 */
const fileSystem = {
  ...fs,
  stat(path: string, done: (error: NodeJS.ErrnoException | null, stats?: fs.Stats) => void): void {
    fs.open(path, 'r', (fault, descriptor) => {
      if (fault) return fs.stat(path, done);
      fs.fstat(descriptor, (error, stats) => fs.close(descriptor, () => done(error, stats)));
    });
  },
};

/**
 * Holds the locks of this process in a thread of its own: a training step or an evaluation blocks the
 * main thread for seconds, and its timers with it, while a killed process takes its threads along.
 */
function keepLocks(port: NonNullable<typeof parentPort>): void {
  const held = new Map<string, () => Promise<void>>();
  const reply = (message: KeeperReply): void => port.postMessage(message);

  const take = async ({ path, stale }: KeeperRequest): Promise<'taken' | 'held by another'> => {
    try {
      const unlock = await lock(path, {
        realpath: false,
        stale,
        update: renewEvery,
        fs: fileSystem,
        onCompromised: () => {
          held.delete(path);
          reply({ kind: 'lost', path });
        },
      });
      held.set(path, unlock);
      return 'taken';
    } catch (error) {
      if (errorCode(error) === 'ELOCKED') return 'held by another';
      throw error;
    }
  };
  const release = async ({ path }: KeeperRequest): Promise<'released'> => {
    const unlock = held.get(path);
    held.delete(path);
    await unlock?.();
    return 'released';
  };
  port.on('message', (request: KeeperRequest) => {
    const { id, kind } = request;
    const work = kind === 'take' ? take(request) : release(request);
    work.then(
      (done) => reply({ id, kind: done }),
      (error: unknown) =>
        reply({ id, kind: 'failed', code: errorCode(error) ?? '', text: String(error) }),
    );
  });
}

if (!isMainThread && parentPort) keepLocks(parentPort);
