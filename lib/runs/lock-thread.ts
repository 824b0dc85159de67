import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { writeFault } from '../files';
import type { KeeperReply, KeeperRequest } from './lock-keeper';

/** The thread that renews this process' locks, seen from the main thread. */
interface LockThread {
  /** Takes the lock of a path, unless another process holds one that is younger than `stale` milliseconds. */
  take(path: string, stale: number, onLost: () => void): Promise<boolean>;
  release(path: string): Promise<void>;
}

let started: LockThread | undefined;

/** The one thread of this process; it starts on first use and keeps no process alive. */
export function lockThread(): LockThread {
  return (started ??= startThread());
}

function startThread(): LockThread {
  const file = require.resolve('./lock-keeper');
  const worker = new Worker(file, {
    // A thread does not inherit the compiler that a test runner loads by itself.
    execArgv: extname(file) === '.ts' ? ['--require', require.resolve('../typescript.cjs')] : [],
  });
  worker.unref();
  const waiting = new Map<number, (reply: KeeperReply) => void>();
  const lost = new Map<string, () => void>();
  let requests = 0;
  worker.on('message', (reply: KeeperReply) => {
    if (reply.kind === 'lost') lost.get(reply.path)?.();
    else waiting.get(reply.id)?.(reply);
  });
  worker.on('error', (error) => {
    started = undefined;
    for (const onLost of lost.values()) onLost();
    for (const [id, answer] of waiting) {
      answer({ id, kind: 'failed', code: '', text: String(error) });
    }
  });
  const ask = async (request: Omit<KeeperRequest, 'id'>): Promise<KeeperReply['kind']> => {
    const id = requests++;
    // While an answer is due the process must not end for want of other work.
    worker.ref();
    const reply = await new Promise<KeeperReply>((resolve) => {
      waiting.set(id, resolve);
      worker.postMessage({ ...request, id });
    });
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (reply.kind === 'failed') {
      throw writeFault(`${request.path}.lock`, Object.assign(new Error(reply.text), reply));
    }
    return reply.kind;
  };
  return {
    async take(path, stale, onLost) {
      lost.set(path, onLost);
      const taken = (await ask({ kind: 'take', path, stale })) === 'taken';
      if (!taken) lost.delete(path);
      return taken;
    },
    async release(path) {
      lost.delete(path);
      await ask({ kind: 'release', path });
    },
  };
}
