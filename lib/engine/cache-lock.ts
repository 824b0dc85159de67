import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { LabError } from '../errors';
import { errorCode, writeFault } from '../files';

/** A lock whose holder has not renewed it for so long, in milliseconds, belongs to a dead process. */
const staleAfter = 10_000;
const pollInterval = 500;

/**
 * Runs `work` while holding the lock of a path, which need not exist; waits for another holder.
 * `work` is told whether it had to wait.
 *
 * @throws LabError of kind `engine` when the lock was lost meanwhile (a machine that slept).
 */
export async function withCacheLock<Result>(
  path: string,
  onWait: (() => void) | undefined,
  work: (waited: boolean) => Promise<Result>,
): Promise<Result> {
  let lost = false;
  let waited = false;
  const acquire = async (): Promise<() => Promise<void>> => {
    for (;;) {
      try {
        return await lock(path, {
          realpath: false,
          stale: staleAfter,
          onCompromised: () => {
            lost = true;
          },
        });
      } catch (error) {
        if (errorCode(error) !== 'ELOCKED') throw writeFault(`${path}.lock`, error);
        if (!waited) onWait?.();
        waited = true;
        await sleep(pollInterval);
      }
    }
  };
  const release = await acquire();
  try {
    return await work(waited);
  } catch (error) {
    if (!lost) throw error;
    throw new LabError(
      {
        kind: 'engine',
        what: 'another process took over the building of the engine',
        where: path,
        remedy: 'Run the same command again',
      },
      { cause: error },
    );
  } finally {
    // A lost lock belongs to somebody else by now.
    if (!lost) await release();
  }
}
