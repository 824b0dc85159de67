import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, resolve as resolvePath } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheKey, cacheRoot, withCacheLock } from '../engine/cache';
import { findPython, lastLines, runProgram } from '../engine/program';
import { type StepProgress, stepPrinter } from '../engine/progress';
import { engineError } from '../errors';
import { makeFolder, writeAtomic, writeFault } from '../files';
import { packageRoot } from '../package-root';
import { jupyterFolder } from './kernel';

/** Told what a set-up is doing; `done` of `total` packages where they can be counted. */
type OnSetUpProgress = (progress: StepProgress) => void;

/** Tells on standard error how a set-up goes on. */
export function setUpPrinter(): OnSetUpProgress {
  const inWords = ({ done, total }: StepProgress): string =>
    done === undefined ? '' : `: ${String(done)} of ${String(total)}`;
  return stepPrinter({ name: 'lab', amount: '{value} of {total}', inWords }, process.stderr);
}

interface PipInstallation {
  /** The program and its first arguments: that of the environment, or another that installs into it. */
  readonly pip: readonly string[];
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
async function pipInstall(
  { pip, sitePackages, options, packages: total }: PipInstallation,
  onProgress: OnSetUpProgress,
): Promise<void> {
  const before = installedPackages(sitePackages);
  const said: string[] = [];
  let fetched = 0;
  let poll: NodeJS.Timeout | undefined;
  const status = await run(pip, options, (line) => {
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
  throw engineError`pip could not install JupyterLab (pip install ${options.join(' ')}): found ${lastLines(said.join('\n')) || 'no message'}. Check that pip reaches its package index (python3 -m pip download jupyterlab) and run the same command again, or use a JupyterLab of your own: npm run lab -- --installed. npm run notebooks needs neither`;
}

/** Runs pip to its end; resolves with its exit status, null when it cannot be started. */
function run(
  [program = '', ...pip]: readonly string[],
  options: readonly string[],
  onLine: (line: string) => void,
): Promise<number | null> {
  const common = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
  const child = spawn(program, [...pip, 'install', ...common, ...options], {
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

/** A JupyterLab that can be started with `python -m jupyterlab`. */
export interface JupyterLab {
  readonly python: string;
  readonly version: string;
  /** Whether it was there already, or belongs to this project. */
  readonly origin: 'installed' | 'own';
  /** Whether it draws Plotly figures; without it their static pictures show. */
  readonly drawsPlots: boolean;
}

const oldestPython = [3, 10] as const;
const readyFile = 'ready.json';
const patience = 60_000;

/** The oldest Python for which everything is pinned, with the hash of each file. */
const oldestLocked = [3, 11, 5] as const;

/** The files of pinned requirements. */
function requirementFiles(): { jupyter: string; locked: string; renderer: string } {
  return {
    jupyter: join(jupyterFolder(), 'requirements.txt'),
    locked: join(jupyterFolder(), 'locked.txt'),
    renderer: join(jupyterFolder(), 'requirements-renderer.txt'),
  };
}

/** The Python that makes the virtual environment; `NORM_DIRECTION_LAB_PYTHON` names another. */
async function systemPython(): Promise<string> {
  const named = process.env['NORM_DIRECTION_LAB_PYTHON'] ?? '';
  return named === '' ? ((await findPython())?.name ?? 'python3') : named;
}

/**
 * The JupyterLab that is on the PATH, or null. Asking takes about a second.
 */
export async function installedJupyterLab(): Promise<JupyterLab | null> {
  const python = await systemPython();
  const probe = [
    'import json, os, jupyterlab',
    'from jupyter_core.paths import jupyter_path',
    "plots = any(os.path.isdir(os.path.join(p, 'jupyterlab-plotly')) for p in jupyter_path('labextensions'))",
    'print(json.dumps([jupyterlab.__version__, plots]))',
  ].join('\n');
  const { status, stdout } = await runProgram(python, ['-c', probe], { timeout: patience });
  if (status !== 0) return null;
  const [version, drawsPlots] = JSON.parse(stdout) as [string, boolean];
  return Number.parseInt(version, 10) >= 4
    ? { python, version, origin: 'installed', drawsPlots }
    : null;
}

/** This project's own JupyterLab if it is set up already, or null. */
export async function ownJupyterLab(): Promise<JupyterLab | null> {
  const version = await pythonVersion();
  if (version === null) return null;
  return readReady(environmentFolder(version));
}

/**
 * Sets up this project's own JupyterLab in a virtual environment in the user's cache, with pinned
 * versions; at once when it is there.
 *
 * @param onProgress told each step before it starts, and how far it is
 * @throws LabError of kind `engine` without a recent Python, its venv module, or a reachable package index.
 */
export async function setUpJupyterLab(onProgress: OnSetUpProgress): Promise<JupyterLab> {
  const version = await pythonVersion();
  if (version === null || !isAtLeast(version, oldestPython)) {
    throw engineError`JupyterLab needs Python ${oldestPython.join('.')} or newer (${await systemPython()}): found ${version ?? 'no Python'}. Install Python 3 with its venv module (Debian and Ubuntu: apt-get install python3 python3-venv; Fedora: dnf install python3), or name one: NORM_DIRECTION_LAB_PYTHON=PROGRAM. npm run notebooks needs no Python`;
  }
  const folder = environmentFolder(version);
  const ready = readReady(folder);
  if (ready !== null) return ready;
  try {
    makeFolder(cacheRoot());
  } catch (error) {
    throw writeFault(cacheRoot(), error);
  }
  const onWait = (): void => {
    onProgress({ message: 'waiting for another process that sets up JupyterLab' });
  };
  return withCacheLock(folder, onWait, async () => {
    const made = readReady(folder);
    if (made !== null) return made;
    rmSync(folder, { recursive: true, force: true });
    try {
      await install(folder, version, onProgress);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    const own = readReady(folder);
    if (own === null) throw new Error(`${folder} was set up but is not there`);
    return own;
  });
}

async function install(
  folder: string,
  version: string,
  onProgress: OnSetUpProgress,
): Promise<void> {
  const { jupyter, locked, renderer } = requirementFiles();
  const base = await systemPython();
  onProgress({ message: `setting up JupyterLab in ${folder} (250 MB); a minute or two` });
  onProgress({ message: `making a Python virtual environment with ${base} -m venv` });
  const venv = await runProgram(base, ['-m', 'venv', folder]);
  // Debian and Ubuntu leave out what gives an environment its own pip; that of the base installs into it as well.
  const bare = ['-m', 'venv', '--clear', '--without-pip', folder];
  if (venv.status !== 0 && (await runProgram(base, bare)).status !== 0) {
    throw engineError`a Python virtual environment cannot be made (${folder}): found ${lastLines(venv.stdout + venv.stderr, 4)}. Install the venv module (Debian and Ubuntu: apt-get install python3-venv). npm run notebooks needs no Python`;
  }
  const python = pythonOf(folder);
  const sitePackages = await sitePackagesOf(python);
  const packages = requirementLines(locked).length;
  const pip = venv.status === 0 ? [python, '-m', 'pip'] : [base, '-m', 'pip', '--python', python];
  const into = { pip, sitePackages, packages };
  if (isAtLeast(version, oldestLocked)) {
    await pipInstall({ ...into, options: ['--require-hashes', '-r', locked] }, onProgress);
  } else {
    await pipInstall({ ...into, options: ['-r', jupyter] }, onProgress);
    const drawing = { packages: requirementLines(renderer).length };
    const options = ['--no-deps', '-r', renderer];
    await pipInstall({ ...into, ...drawing, options }, onProgress);
  }
  const settings = join(folder, 'share', 'jupyter', 'lab', 'settings');
  makeFolder(settings);
  cpSync(join(jupyterFolder(), 'overrides.json'), join(settings, 'overrides.json'));
  const { status, stdout, stderr } = await runProgram(python, ['-m', 'jupyterlab', '--version']);
  if (status !== 0) {
    throw engineError`JupyterLab was installed but does not start (${folder}): found ${lastLines(stderr, 4)}. Name another Python: NORM_DIRECTION_LAB_PYTHON=PROGRAM npm run lab`;
  }
  writeAtomic(join(folder, readyFile), JSON.stringify({ version: stdout.trim() }));
}

async function sitePackagesOf(python: string): Promise<string> {
  const program = "import sysconfig; print(sysconfig.get_path('purelib'))";
  return (await runProgram(python, ['-c', program])).stdout.trim();
}

function requirementLines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('=='));
}

function readReady(folder: string): JupyterLab | null {
  const file = join(folder, readyFile);
  const python = pythonOf(folder);
  if (!existsSync(file) || !existsSync(python)) return null;
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return { python, version, origin: 'own', drawsPlots: true };
}

/** Its name changes with all that goes into it, so that a newer pin makes a new environment. */
function environmentFolder(pythonVersionText: string): string {
  const { jupyter, locked, renderer } = requirementFiles();
  const key = cacheKey({
    python: pythonVersionText,
    jupyter: readFileSync(jupyter, 'utf8'),
    locked: readFileSync(locked, 'utf8'),
    renderer: readFileSync(renderer, 'utf8'),
    overrides: readFileSync(join(jupyterFolder(), 'overrides.json'), 'utf8'),
  });
  return join(cacheRoot(), `jupyter-${key}`);
}

function pythonOf(folder: string): string {
  return process.platform === 'win32'
    ? join(folder, 'Scripts', 'python.exe')
    : join(folder, 'bin', 'python3');
}

async function pythonVersion(): Promise<string | null> {
  const { status, stdout } = await runProgram(
    await systemPython(),
    ['-c', 'import platform; print(platform.python_version())'],
    { timeout: patience },
  );
  return status === 0 ? stdout.trim() : null;
}

function isAtLeast(version: string, oldest: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const differing = oldest.findIndex((part, index) => part !== (parts[index] ?? 0));
  return differing < 0 || (parts[differing] ?? 0) > (oldest[differing] ?? 0);
}

interface StartLabOptions {
  readonly port?: number;
  /** Whether a browser is opened; true by default. */
  readonly browser?: boolean;
  /** The folder whose notebooks are shown: this project's own by default. */
  readonly folder?: string;
  /** Passed on to JupyterLab as they are. */
  readonly extra?: readonly string[];
}

/** The command line that starts a JupyterLab on this project, without the program. */
function labArguments(options: StartLabOptions): string[] {
  const { port, browser = true, folder, extra = [] } = options;
  const first = folder === undefined ? '/lab/tree/notebooks/00-quickstart.ipynb' : '/lab';
  return [
    '-m',
    'jupyterlab',
    `--ServerApp.root_dir=${folder === undefined ? packageRoot() : resolvePath(folder)}`,
    `--LabApp.default_url=${first}`,
    // Nothing is asked of the network, not even whether there is a newer JupyterLab.
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    // The kernel's link to this library is nothing to look into. The rest is Jupyter's own.
    "--ContentsManager.hide_globs=['node_modules', '__pycache__', '*.pyc', '*.pyo', '.DS_Store', '*~']",
    ...(port === undefined ? [] : [`--ServerApp.port=${String(port)}`]),
    ...(browser ? [] : ['--no-browser']),
    // JupyterLab refuses to run as root otherwise, which is who one is in most containers.
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
    ...extra,
  ];
}

/** The environment in which Jupyter finds this project's kernel, run by the Node that runs this. */
function labEnvironment(): NodeJS.ProcessEnv {
  const joined = (first: string, others = ''): string =>
    [first, others].filter((part) => part !== '').join(delimiter);
  return {
    ...process.env,
    JUPYTER_PATH: joined(jupyterFolder(), process.env['JUPYTER_PATH']),
    PATH: joined(dirname(process.execPath), process.env['PATH']),
  };
}

/** Starts JupyterLab and stays until it ends; resolves with its exit status. */
export function startLab(lab: JupyterLab, options: StartLabOptions): Promise<number> {
  const child = spawn(lab.python, labArguments(options), {
    stdio: 'inherit',
    env: labEnvironment(),
  });
  // Ctrl-C reaches JupyterLab too, which asks whether it was meant; this process must outlive the question.
  const wait = (): void => undefined;
  const end = (): void => {
    child.kill('SIGTERM');
  };
  process.on('SIGINT', wait);
  process.on('SIGTERM', end);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', end);
      resolve(code ?? 1);
    });
  });
}
