import { rmSync } from 'node:fs';
import { LabError } from '../errors';
import { ownerInWords, readRunOwner, type RunLock, tryRunLock } from './run-lock';

/**
 * Deletes the directories of runs, all or none of them.
 *
 * @throws LabError of kind `results` when another process trains one of them.
 */
export async function forgetRuns(runs: readonly { readonly directory: string }[]): Promise<void> {
  const locks: RunLock[] = [];
  try {
    for (const { directory } of runs) {
      const lock = await tryRunLock(directory);
      if (lock) locks.push(lock);
      else {
        throw new LabError({
          kind: 'results',
          what: 'another process trains a run that is to be deleted',
          where: directory,
          found: ownerInWords(readRunOwner(directory)),
          remedy: 'Stop that process first, or leave --no-resume out to share the work with it',
        });
      }
    }
    for (const { directory } of runs) rmSync(directory, { recursive: true, force: true });
  } finally {
    for (const lock of locks) await lock.release();
  }
}
