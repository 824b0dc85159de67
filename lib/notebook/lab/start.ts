import { spawn } from 'node:child_process';
import { delimiter, dirname, resolve as resolvePath } from 'node:path';
import { packageRoot } from '../../package-root';
import { jupyterFolder } from '../kernel/specification';
import type { JupyterLab } from './environment';

export interface StartLabOptions {
  readonly port?: number;
  /** Whether a browser is opened; true by default. */
  readonly browser?: boolean;
  /** The folder whose notebooks are shown: this project's own by default. */
  readonly folder?: string;
  /** Passed on to JupyterLab as they are. */
  readonly extra?: readonly string[];
}

/** The command line that starts a JupyterLab on this project, without the program. */
export function labArguments(options: StartLabOptions): string[] {
  const { port, browser = true, folder, extra = [] } = options;
  const first = folder === undefined ? '/lab/tree/notebooks/00-quickstart.ipynb' : '/lab';
  return [
    '-m',
    'jupyterlab',
    `--ServerApp.root_dir=${folder === undefined ? packageRoot() : resolvePath(folder)}`,
    `--LabApp.default_url=${first}`,
    // Nothing is asked of the network, not even whether there is a newer JupyterLab.
    '--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate',
    ...(port === undefined ? [] : [`--ServerApp.port=${String(port)}`]),
    ...(browser ? [] : ['--no-browser']),
    // JupyterLab refuses to run as root otherwise, which is who one is in most containers.
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
    ...extra,
  ];
}

/** The environment in which Jupyter finds this project's kernel, run by the Node that runs this. */
export function labEnvironment(): NodeJS.ProcessEnv {
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
