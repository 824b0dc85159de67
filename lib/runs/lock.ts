import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { interruptedError, type LabError, resultsError } from '../errors';
import { makeFolder, writeAtomic, writeFault } from '../files';
import { isGone, processSpace } from '../processes';
import { lockThread } from './lock-thread';

/** A lock that nobody has renewed for so long, in milliseconds, belongs to a process that is gone. */
const staleAfter = 15_000;
/** The same where the process is known to be gone; the least that proper-lockfile takes. */
const staleWhenGone = 2000;
/** How long two processes that take over one lock at the same moment need to see each other. */
const settleTime = 1000;
const retryEvery = 1000;

const ownerSchema = z.object({
  token: z.string(),
  host: z.string(),
  pid: z.int(),
  /** Where the process id counts: see `processSpace`. */
  space: z.string().nullable(),
});

/** Who holds a run. */
export type LockOwner = z.infer<typeof ownerSchema>;

/** A run directory that no other process trains in meanwhile. */
export interface RunLock {
  /**
   * To be called before anything is written.
   *
   * @throws LabError of kind `results` when another process has taken the run over (after this one was
   * suspended, say).
   */
  readonly assertHeld: () => void;
  readonly release: () => Promise<void>;
}

/**
 * Takes the lock of a run directory (`<directory>.lock` beside it), or gives undefined while another
 * process, here or on another machine that shares the folder, holds it. A lock outlives its process by
 * 15 s at most; a process whose main thread is busy keeps its locks.
 *
 * @throws LabError of kind `file` when the place cannot be written.
 */
export async function tryRunLock(directory: string): Promise<RunLock | undefined> {
  try {
    makeFolder(dirname(directory));
  } catch (error) {
    throw writeFault(dirname(directory), error);
  }
  const wasHeld = existsSync(ownerFile(directory));
  const last = readRunOwner(directory);
  const gone = last !== undefined && isGone(last);
  const token = randomUUID();
  let lost = false;
  const taken = await lockThread().take(directory, gone ? staleWhenGone : staleAfter, () => {
    lost = true;
  });
  if (!taken) return undefined;
  const owner: LockOwner = { token, host: hostname(), pid: process.pid, space: processSpace() };
  writeAtomic(ownerFile(directory), `${JSON.stringify(owner)}\n`);
  const isOurs = (): boolean => !lost && readRunOwner(directory)?.token === token;
  // Who takes over an abandoned lock may have taken it from one who did so a moment before.
  if (wasHeld) {
    await sleep(settleTime);
    if (!isOurs()) return undefined;
  }
  const removeOnExit = (): void => {
    if (!isOurs()) return;
    rmSync(ownerFile(directory), { force: true });
    rmdirSync(`${directory}.lock`);
  };
  process.once('exit', removeOnExit);
  return {
    assertHeld() {
      if (!isOurs()) throw lostLock(directory);
    },
    async release() {
      process.off('exit', removeOnExit);
      if (!isOurs()) return;
      rmSync(ownerFile(directory), { force: true });
      await lockThread().release(directory);
    },
  };
}

/** Waits until a run's lock is free, takes it and does `work` under it. */
export async function withRunLock<Result>(
  directory: string,
  { signal, onWait }: { signal?: AbortSignal | undefined; onWait?: () => void },
  work: (lock: RunLock) => Promise<Result>,
): Promise<Result> {
  let lock = await tryRunLock(directory);
  if (!lock) onWait?.();
  while (!lock) {
    await pause(signal);
    lock = await tryRunLock(directory);
  }
  try {
    return await work(lock);
  } finally {
    await lock.release();
  }
}

/**
 * Lets a moment pass before locks are tried again.
 *
 * @throws LabError of kind `interrupted` when the signal is aborted.
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  try {
    await sleep(retryEvery, undefined, signal ? { signal } : {});
  } catch (error) {
    throw interruptedError.because(
      error,
    )`stopped while waiting for other processes. Run the same command again to go on`;
  }
}

/** Who holds a run, or held it when it was cut off; undefined where nobody does. */
export function readRunOwner(directory: string): LockOwner | undefined {
  const file = ownerFile(directory);
  if (!existsSync(file)) return undefined;
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Gone between the two looks, or not written by this package: nobody that one could name.
    return undefined;
  }
}

/** Whether a process trains in a run directory now, as far as one can tell without taking the lock. */
export function isRunHeld(directory: string): boolean {
  const owner = readRunOwner(directory);
  const renewed = statSync(`${directory}.lock`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return owner !== undefined && !isGone(owner) && Date.now() - renewed < staleAfter;
}

/** `process 4711 on node-3`, for messages. */
export function ownerInWords(owner: LockOwner | undefined): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
}

function ownerFile(directory: string): string {
  return `${directory}.owner.lock`;
}

function lostLock(directory: string): LabError {
  const owner = readRunOwner(directory);
  return resultsError`this process no longer holds the lock of its run, and stopped without writing more (${directory}): found ${owner === undefined ? 'no lock' : `that of ${ownerInWords(owner)}`}. That happens to a process that was suspended, or out of reach of the disk, for 15 seconds; run the same command again`;
}
