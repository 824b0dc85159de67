import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheKey, cacheRoot } from '../../engine/cache';
import { withCacheLock } from '../../engine/cache-lock';
import { lastLines, runProgram } from '../../engine/build-program';
import { LabError } from '../../errors';
import { writeAtomic } from '../../files';
import { jupyterFolder } from '../kernel/specification';

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

/** The two files of pinned requirements, in the order in which they are installed. */
function requirementFiles(): { jupyter: string; renderer: string } {
  return {
    jupyter: join(jupyterFolder(), 'requirements.txt'),
    renderer: join(jupyterFolder(), 'requirements-renderer.txt'),
  };
}

/** The Python that makes the virtual environment; `NORM_DIRECTION_LAB_PYTHON` names another. */
function systemPython(): string {
  return process.env['NORM_DIRECTION_LAB_PYTHON'] ?? 'python3';
}

/**
 * The JupyterLab that is on the PATH, or null. Asking takes about a second.
 */
export async function installedJupyterLab(): Promise<JupyterLab | null> {
  const python = systemPython();
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
 * @param notify told each step before it starts
 * @throws LabError of kind `engine` without a recent Python, its venv module, or a reachable package index.
 */
export async function setUpJupyterLab(notify: (message: string) => void): Promise<JupyterLab> {
  const version = await pythonVersion();
  if (version === null || !isRecent(version)) {
    throw new LabError({
      kind: 'engine',
      what: `JupyterLab needs Python ${oldestPython.join('.')} or newer`,
      where: systemPython(),
      found: version ?? 'no Python',
      remedy:
        'Install Python 3 with its venv module (Debian and Ubuntu: apt install python3 python3-venv), or name one in NORM_DIRECTION_LAB_PYTHON. npm run notebooks needs no Python',
    });
  }
  const folder = environmentFolder(version);
  const ready = readReady(folder);
  if (ready !== null) return ready;
  mkdirSync(cacheRoot(), { recursive: true });
  const onWait = (): void => {
    notify('waiting for another process that sets up JupyterLab');
  };
  return withCacheLock(folder, onWait, async () => {
    const made = readReady(folder);
    if (made !== null) return made;
    rmSync(folder, { recursive: true, force: true });
    try {
      await install(folder, notify);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return requireReady(folder);
  });
}

async function install(folder: string, notify: (message: string) => void): Promise<void> {
  const { jupyter, renderer } = requirementFiles();
  notify(`making a Python virtual environment in ${folder}`);
  const venv = await runProgram(systemPython(), ['-m', 'venv', folder]);
  if (venv.status !== 0) {
    throw new LabError({
      kind: 'engine',
      what: 'a Python virtual environment cannot be made',
      where: folder,
      found: lastLines(venv.stdout + venv.stderr, 4),
      remedy: 'Install the venv module (Debian and Ubuntu: apt install python3-venv)',
    });
  }
  const python = pythonOf(folder);
  notify('installing JupyterLab with pip, about 70 packages; a minute or two');
  await pip(python, ['-r', jupyter]);
  notify('installing the renderer of Plotly’s figures');
  await pip(python, ['--no-deps', '-r', renderer]);
  const settings = join(folder, 'share', 'jupyter', 'lab', 'settings');
  mkdirSync(settings, { recursive: true });
  cpSync(join(jupyterFolder(), 'overrides.json'), join(settings, 'overrides.json'));
  const { stdout } = await runProgram(python, ['-m', 'jupyterlab', '--version']);
  writeAtomic(join(folder, readyFile), JSON.stringify({ version: stdout.trim() }));
}

async function pip(python: string, args: readonly string[]): Promise<void> {
  const all = ['-m', 'pip', 'install', '--disable-pip-version-check', ...args];
  const status = await new Promise<number | null>((resolve) => {
    // pip tells its own progress; standard output is left to what scripts read.
    const child = spawn(python, all, { stdio: ['ignore', 2, 2] });
    child.on('error', () => resolve(null));
    child.on('exit', resolve);
  });
  if (status === 0) return;
  throw new LabError({
    kind: 'engine',
    what: 'pip could not install JupyterLab; its message is above',
    where: args.at(-1) ?? '',
    found: `exit status ${String(status)}`,
    remedy:
      'Check that pip reaches its package index and run the same command again, or use a JupyterLab of your own: npm run lab -- --installed',
  });
}

function readReady(folder: string): JupyterLab | null {
  const file = join(folder, readyFile);
  const python = pythonOf(folder);
  if (!existsSync(file) || !existsSync(python)) return null;
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return { python, version, origin: 'own', drawsPlots: true };
}

function requireReady(folder: string): JupyterLab {
  const ready = readReady(folder);
  if (ready === null) throw new Error(`${folder} was set up but is not there`);
  return ready;
}

/** Its name changes with all that goes into it, so that a newer pin makes a new environment. */
function environmentFolder(pythonVersionText: string): string {
  const { jupyter, renderer } = requirementFiles();
  const key = cacheKey({
    python: pythonVersionText,
    jupyter: readFileSync(jupyter, 'utf8'),
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
    systemPython(),
    ['-c', 'import platform; print(platform.python_version())'],
    { timeout: patience },
  );
  return status === 0 ? stdout.trim() : null;
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestPython;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
