import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheKey, cacheRoot } from '../../engine/cache';
import { withCacheLock } from '../../engine/cache-lock';
import { lastLines, runProgram } from '../../engine/build-program';
import { findPython } from '../../engine/build-tools';
import { LabError } from '../../errors';
import { writeAtomic, writeFault } from '../../files';
import { jupyterFolder } from '../kernel/specification';
import { pipInstall } from './pip';
import type { OnSetUpProgress } from './pip';

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

/** The files of pinned requirements. */
function requirementFiles(): { jupyter: string; constraints: string; renderer: string } {
  return {
    jupyter: join(jupyterFolder(), 'requirements.txt'),
    constraints: join(jupyterFolder(), 'constraints.txt'),
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
  if (version === null || !isRecent(version)) {
    throw new LabError({
      kind: 'engine',
      what: `JupyterLab needs Python ${oldestPython.join('.')} or newer`,
      where: await systemPython(),
      found: version ?? 'no Python',
      remedy:
        'Install Python 3 with its venv module (Debian and Ubuntu: apt-get install python3 python3-venv; Fedora: dnf install python3), or name one: NORM_DIRECTION_LAB_PYTHON=PROGRAM. npm run notebooks needs no Python',
    });
  }
  const folder = environmentFolder(version);
  const ready = readReady(folder);
  if (ready !== null) return ready;
  try {
    mkdirSync(cacheRoot(), { recursive: true });
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
      await install(folder, onProgress);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return requireReady(folder);
  });
}

async function install(folder: string, onProgress: OnSetUpProgress): Promise<void> {
  const { jupyter, constraints, renderer } = requirementFiles();
  const base = await systemPython();
  onProgress({ message: `setting up JupyterLab in ${folder} (250 MB); a minute or two` });
  onProgress({ message: `making a Python virtual environment with ${base} -m venv` });
  const venv = await runProgram(base, ['-m', 'venv', folder]);
  if (venv.status !== 0) {
    throw new LabError({
      kind: 'engine',
      what: 'a Python virtual environment cannot be made',
      where: folder,
      found: lastLines(venv.stdout + venv.stderr, 4),
      remedy:
        'Install the venv module (Debian and Ubuntu: apt-get install python3-venv). npm run notebooks needs no Python',
    });
  }
  const python = pythonOf(folder);
  const sitePackages = await sitePackagesOf(python);
  const packages = requirementLines(jupyter).length + requirementLines(constraints).length;
  await pipInstall(
    { python, sitePackages, packages, options: ['-r', jupyter, '-c', constraints] },
    onProgress,
  );
  const drawing = requirementLines(renderer).length;
  await pipInstall(
    { python, sitePackages, packages: drawing, options: ['--no-deps', '-r', renderer] },
    onProgress,
  );
  const settings = join(folder, 'share', 'jupyter', 'lab', 'settings');
  mkdirSync(settings, { recursive: true });
  cpSync(join(jupyterFolder(), 'overrides.json'), join(settings, 'overrides.json'));
  const { status, stdout, stderr } = await runProgram(python, ['-m', 'jupyterlab', '--version']);
  if (status !== 0) {
    throw new LabError({
      kind: 'engine',
      what: 'JupyterLab was installed but does not start',
      where: folder,
      found: lastLines(stderr, 4),
      remedy: 'Name another Python: NORM_DIRECTION_LAB_PYTHON=PROGRAM npm run lab',
    });
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
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
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
  const { jupyter, constraints, renderer } = requirementFiles();
  const key = cacheKey({
    python: pythonVersionText,
    jupyter: readFileSync(jupyter, 'utf8'),
    constraints: readFileSync(constraints, 'utf8'),
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

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestPython;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
