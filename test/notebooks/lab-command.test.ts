import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
import { ensureCompiled } from '../../lib/notebook/compiled';
import { typeScriptArguments } from '../support/child';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'lab.ts');

describe('npm run lab', function () {
  this.timeout(300_000);
  const folder = withFolder();
  const cache = (): string => join(folder(), 'cache');

  before(() => ensureCompiled(() => undefined));

  /** A stand-in for Python that answers what it is asked by lines of a shell script. */
  function python(...lines: readonly string[]): string {
    const file = join(folder(), 'python');
    writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'));
    chmodSync(file, 0o755);
    return file;
  }

  function lab(args: readonly string[], env: NodeJS.ProcessEnv): Promise<ProgramResult> {
    return runProgram(process.execPath, typeScriptArguments(command, ...args), {
      env: { ...process.env, NORM_DIRECTION_LAB_CACHE: cache(), ...env },
    });
  }

  const answersVersion = 'case "$*" in *python_version*) echo 3.11.7; exit 0;; esac';
  const hasNoJupyterLab = 'case "$*" in *jupyterlab*) exit 1;; esac';

  it('says what to install where there is no Python, or one too old', async () => {
    const none = await lab(['--setup-only'], { PATH: folder() });
    expect(none.status).to.equal(1);
    expect(none.stderr).to.include('JupyterLab needs Python 3.10 or newer');
    expect(none.stderr).to.include('apt-get install python3 python3-venv');

    const old = python(answersVersion.replace('3.11.7', '3.8.1'), 'exit 1');
    const { status, stderr } = await lab(['--setup-only'], { NORM_DIRECTION_LAB_PYTHON: old });
    expect(status).to.equal(1);
    expect(stderr).to.include('found 3.8.1');
  });

  it('says how to install venv where it is missing, and leaves nothing behind', async () => {
    const program = python(
      answersVersion,
      hasNoJupyterLab,
      'echo ensurepip is missing >&2; exit 1',
    );
    const { status, stderr } = await lab(['--setup-only'], { NORM_DIRECTION_LAB_PYTHON: program });
    expect(status).to.equal(1);
    expect(stderr).to.include('ensurepip is missing').and.to.include('python3-venv');
    expect(readdirSync(cache())).to.deep.equal([]);
  });

  it('tells what pip said when it fails, and leaves nothing behind', async () => {
    const program = python(
      answersVersion,
      hasNoJupyterLab,
      // The stand-in is its own environment's Python too.
      'case "$*" in *venv*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python3"; exit 0;; esac',
      'case "$*" in *sysconfig*) echo none; exit 0;; esac',
      'echo "Collecting jupyter"; echo "ERROR: no index can be reached" >&2; exit 2',
    );
    const { status, stderr } = await lab(['--setup-only'], { NORM_DIRECTION_LAB_PYTHON: program });
    expect(status).to.equal(1);
    expect(stderr).to.match(/fetching packages: 1 of \d+/u);
    expect(stderr).to.include('pip could not install JupyterLab');
    expect(stderr)
      .to.include('no index can be reached')
      .and.to.include('run the same command again');
    expect(readdirSync(cache())).to.deep.equal([]);
  });

  it('uses a JupyterLab that is there and draws plots, and sets up nothing', async () => {
    const program = python(answersVersion, 'echo \'["4.3.0", true]\'');
    const { status, stderr } = await lab(['--setup-only'], { NORM_DIRECTION_LAB_PYTHON: program });
    expect(status, stderr).to.equal(0);
    expect(stderr).to.equal(`lab: JupyterLab 4.3.0 of ${program}\n`);
    expect(existsSync(cache())).to.equal(false);
  });

  it('uses one that cannot draw plots when told to, and says what that means', async () => {
    const program = python(answersVersion, 'echo \'["4.3.0", false]\'');
    const env = { NORM_DIRECTION_LAB_PYTHON: program };
    const { status, stderr } = await lab(['--setup-only', '--installed'], env);
    expect(status, stderr).to.equal(0);
    expect(stderr).to.include('plots show as pictures (python3 -m pip install plotly)');

    const without = python(answersVersion, hasNoJupyterLab);
    const refused = await lab(['--installed'], { NORM_DIRECTION_LAB_PYTHON: without });
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.include('no JupyterLab 4 is installed');
  });

  it('starts it on a folder, with the kernel and the arguments after --', async () => {
    const program = python(
      answersVersion,
      'case "$*" in "-m jupyterlab"*) echo "$JUPYTER_PATH"; echo "$@"; exit 7;; esac',
      'echo \'["4.3.0", true]\'',
    );
    const args = ['--folder', folder(), '--no-browser', '--port', '8123', '--', '--debug'];
    const { status, stdout } = await lab(args, { NORM_DIRECTION_LAB_PYTHON: program });
    expect(status, 'JupyterLab’s own status').to.equal(7);
    const [path, started] = stdout.split('\n');
    expect(existsSync(join(path?.split(':')[0] ?? '', 'kernels', 'tslab', 'kernel.json'))).to.equal(
      true,
    );
    expect(started).to.include(`--ServerApp.root_dir=${folder()}`);
    expect(started).to.include('--ServerApp.port=8123').and.to.include('--no-browser');
    expect(started).to.match(/--debug$/u);
  });

  it('refuses a folder that is not there', async () => {
    const { status, stderr } = await lab(['--folder', join(folder(), 'none')], {});
    expect(status).to.equal(1);
    expect(stderr).to.include('there is no such folder');
  });
});
