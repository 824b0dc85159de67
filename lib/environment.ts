import { execFileSync } from 'node:child_process';
import { version as tfjsVersion } from '@tensorflow/tfjs';
import { packageRoot } from './package-root';

/**
 * The revision of the code that runs, and whether tracked files differ from it; nulls outside git.
 *
 * @param paths as git takes them: then the last commit that changed them, and whether they differ
 */
export function codeRevision(paths: readonly string[] = []): {
  revision: string | null;
  dirty: boolean | null;
} {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: packageRoot(), encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    // Installed in a project of another, the repository around it is not this code's.
    if (git('rev-parse', '--show-prefix') !== '') return { revision: null, dirty: null };
    // Results are written while it runs; they are not the code.
    const code = paths.length === 0 ? ['.', ':!results'] : paths;
    const changes = git('status', '--porcelain', '--untracked-files=no', '--', ...code);
    return { revision: git('log', '-1', '--format=%H', '--', ...paths), dirty: changes !== '' };
  } catch {
    return { revision: null, dirty: null };
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

/** The most memory that this process has held, in MiB. */
export function peakMemoryMiB(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
