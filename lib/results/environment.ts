import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { version as tfjsVersion } from '@tensorflow/tfjs';

/** The revision of the code that runs, and whether tracked files differ from it; nulls outside git. */
export function codeRevision(): { revision: string | null; dirty: boolean | null } {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: packageRoot(), encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    // Results are written while it runs; they are not the code.
    const changes = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!results');
    return { revision: git('rev-parse', 'HEAD'), dirty: changes !== '' };
  } catch {
    return { revision: null, dirty: null };
  }
}

/** The folder of this package's package.json, from the sources and from the compiled package alike. */
export function packageRoot(): string {
  let folder = __dirname;
  for (;;) {
    if (packageName(folder) === 'norm-direction-lab') return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('norm-direction-lab has lost its package.json');
    folder = parent;
  }
}

/** Versions of what computes. */
export function softwareVersions(tensorflow: string | null): Record<string, string> {
  return {
    node: process.versions.node,
    tfjs: tfjsVersion['tfjs-core'],
    ...(tensorflow === null ? {} : { tensorflow }),
  };
}

/** The processor's name as the system gives it. */
export function processorName(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? process.arch} (${all.length} cores)`;
}

/** The most memory that this process has held, in MiB. */
export function peakMemoryMiB(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

function packageName(folder: string): unknown {
  try {
    const content: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof content === 'object' && content !== null && 'name' in content
      ? content.name
      : undefined;
  } catch {
    return undefined;
  }
}
