import { readFileSync, readlinkSync } from 'node:fs';
import { errorCode } from '../files';

/**
 * Where a process id means this process and no other: this start of the machine and this namespace of
 * process ids (containers may share a host's name). Null where the system does not tell.
 */
export function processSpace(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}

/** Whether a process is known to have ended; false for one that cannot be seen from here. */
export function isGone({ pid, space }: { pid: number; space: string | null }): boolean {
  if (space === null || space !== processSpace()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}
