import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { packageRoot } from '../../data/embedded/package-root';
import { jupyterFolder } from '../kernel/specification';
import type { JupyterLab } from './environment';

export interface StartLabOptions {
  readonly port?: number;
  /** Whether a browser is opened; true by default. */
  readonly browser?: boolean;
  /** Passed on to JupyterLab as they are. */
  readonly extra?: readonly string[];
}

/** The command line that starts a JupyterLab on this project, without the program. */
export function labArguments({ port, browser = true, extra = [] }: StartLabOptions): string[] {
  return [
    '-m',
    'jupyterlab',
    `--ServerApp.root_dir=${packageRoot()}`,
    '--LabApp.default_url=/lab/tree/notebooks/00-quickstart.ipynb',
    ...(port === undefined ? [] : [`--ServerApp.port=${String(port)}`]),
    ...(browser ? [] : ['--no-browser']),
    // JupyterLab refuses to run as root otherwise, which is who one is in most containers.
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
    ...extra,
  ];
}

/** The environment in which Jupyter finds this project's kernel. */
export function labEnvironment(): NodeJS.ProcessEnv {
  const others = process.env['JUPYTER_PATH'] ?? '';
  const search = [jupyterFolder(), others].filter((part) => part !== '').join(delimiter);
  return { ...process.env, JUPYTER_PATH: search };
}

/** Starts JupyterLab and stays until it ends; resolves with its exit status. */
export function startLab(lab: JupyterLab, options: StartLabOptions): Promise<number> {
  const child = spawn(lab.python, labArguments(options), {
    stdio: 'inherit',
    env: labEnvironment(),
  });
  // Ctrl-C reaches JupyterLab too, which asks whether it was meant; this process must outlive the question.
  const wait = (): void => undefined;
  process.on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      process.off('SIGINT', wait);
      resolve(code ?? 1);
    });
  });
}
