import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { lastLines } from '../../engine/build-program';
import { LabError } from '../../errors';

/** What a set-up is doing; `done` of `total` packages where they can be counted. */
export interface SetUpProgress {
  readonly message: string;
  readonly done?: number;
  readonly total?: number;
}

export type OnSetUpProgress = (progress: SetUpProgress) => void;

export interface PipInstallation {
  /** The Python of the environment that is installed into. */
  readonly python: string;
  /** Where that environment keeps its packages. */
  readonly sitePackages: string;
  /** What pip is to install, in its own options. */
  readonly options: readonly string[];
  /** About how many packages that will be. */
  readonly packages: number;
}

const pollInterval = 500;
const keptLines = 40;

/**
 * Installs with the user's own pip: its mirrors, proxies and certificates apply. pip's own words are
 * shown when it fails.
 *
 * @throws LabError of kind `engine` with the end of what pip said.
 */
export async function pipInstall(
  { python, sitePackages, options, packages: total }: PipInstallation,
  onProgress: OnSetUpProgress,
): Promise<void> {
  const before = installedPackages(sitePackages);
  const said: string[] = [];
  let fetched = 0;
  let poll: NodeJS.Timeout | undefined;
  const status = await run(python, options, (line) => {
    said.push(line);
    if (said.length > keptLines) said.shift();
    if (line.startsWith('Collecting ')) {
      fetched += 1;
      onProgress({ message: 'fetching packages', done: Math.min(fetched, total), total });
    } else if (line.startsWith('Installing collected packages')) {
      const count = line.split(',').length;
      poll = setInterval(() => {
        const done = Math.min(installedPackages(sitePackages) - before, count);
        onProgress({ message: 'unpacking packages', done, total: count });
      }, pollInterval);
    }
  });
  clearInterval(poll);
  if (status === 0) return;
  throw new LabError({
    kind: 'engine',
    what: 'pip could not install JupyterLab',
    where: `pip install ${options.join(' ')}`,
    found: lastLines(said.join('\n')) || 'no message',
    remedy:
      'Check that pip reaches its package index (python3 -m pip download jupyterlab) and run the same command again, or use a JupyterLab of your own: npm run lab -- --installed. npm run notebooks needs neither',
  });
}

/** Runs pip to its end; resolves with its exit status, null when it cannot be started. */
function run(
  python: string,
  options: readonly string[],
  onLine: (line: string) => void,
): Promise<number | null> {
  const common = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
  const child = spawn(python, ['-m', 'pip', 'install', ...common, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', onLine);
  }
  return new Promise((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
}

function installedPackages(sitePackages: string): number {
  try {
    return readdirSync(sitePackages).filter((name) => name.endsWith('.dist-info')).length;
  } catch {
    return 0;
  }
}
