import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCode, sha256 } from './files';

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
  return space !== null && space === processSpace() && hasEnded(pid);
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

const prefix = 'norm-direction-lab';

/**
 * A new folder of this process among the system's temporary ones: `norm-direction-lab-SPACE-PID-NAME-…`. What
 * others that were killed left there is removed meanwhile.
 */
export function temporaryFolder(name: string): string {
  const here = `${prefix}-${sha256(processSpace() ?? hostname()).slice(0, 6)}`;
  for (const left of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${here}-(\\d+)-`).exec(left) ?? [];
    if (pid === undefined || !hasEnded(Number(pid))) continue;
    try {
      rmSync(join(tmpdir(), left), { recursive: true, force: true });
    } catch {
      // Another user's.
    }
  }
  return mkdtempSync(join(tmpdir(), `${here}-${process.pid}-${name}-`));
}

/** Does `work` in such a folder, which is removed afterwards. */
export async function inTemporaryFolder<Result>(
  name: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = temporaryFolder(name);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
