import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
// sharp must stay loaded in the main thread for as long as it runs in others.
import './decode';
import { imagesAddOnFile } from '../../engine/images';
import { interruptedError, LabError } from '../../errors';
import type { Job, ResultOf } from './jobs';
import { endOfWork, type ThreadData, type ThreadReply, type ThreadRequest } from './thread';

/** Threads that decode images. */
export interface ThreadPool {
  readonly size: number;
  /** Does a job in the thread with the fewest of them waiting; each thread does its own one by one. */
  run<J extends Job>(job: J): Promise<ResultOf<J>>;
  /** Ends the threads; jobs that are not done are given up with an error of kind `interrupted`. */
  dispose(): Promise<void>;
}

interface Waiting {
  readonly resolve: (reply: ThreadReply) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/** Starts threads; they keep no process alive while they have nothing to do. */
export function startThreads(size: number): ThreadPool {
  const threads = Array.from({ length: size }, startThread);
  let requests = 0;
  let ended = false;
  return {
    size,
    async run<J extends Job>(job: J) {
      if (ended) throw given();
      const { worker, waiting } = leastBusy(threads);
      const id = requests++;
      worker.ref();
      const reply = await new Promise<ThreadReply>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, job } satisfies ThreadRequest);
      }).finally(() => {
        waiting.delete(id);
        if (waiting.size === 0) worker.unref();
      });
      if ('fault' in reply) {
        const { kind, problem, fix } = reply.fault;
        throw new LabError(kind, problem, fix);
      }
      if ('defect' in reply) throw new Error(reply.defect);
      // A thread answers a job with the result of its kind.
      return reply.result as ResultOf<J>;
    },
    async dispose() {
      ended = true;
      for (const { waiting } of threads) for (const { reject } of waiting.values()) reject(given());
      await Promise.all(
        threads.map(async ({ worker }) => {
          if (worker.threadId < 0) return;
          const exit = once(worker, 'exit');
          worker.ref();
          worker.postMessage(endOfWork);
          await exit;
        }),
      );
    },
  };
}

function startThread(): Thread {
  const file = require.resolve('./thread');
  const worker = new Worker(file, {
    workerData: { imagesAddOn: imagesAddOnFile() } satisfies ThreadData,
    // A thread does not inherit the compiler that a test runner loads by itself.
    execArgv: extname(file) === '.ts' ? ['--require', require.resolve('../../typescript.cjs')] : [],
  });
  worker.unref();
  const waiting = new Map<number, Waiting>();
  worker.on('message', (reply: ThreadReply) => waiting.get(reply.id)?.resolve(reply));
  worker.on('error', (error) => {
    for (const { reject } of waiting.values()) reject(error);
  });
  return { worker, waiting };
}

function leastBusy(threads: readonly Thread[]): Thread {
  return threads.reduce((best, thread) =>
    thread.waiting.size < best.waiting.size ? thread : best,
  );
}

function given(): LabError {
  return interruptedError`decoding was stopped. Run the same command again to go on`;
}
