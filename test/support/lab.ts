import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../../lib/processes';
import { typeScriptArguments } from './child';
import { skipBecause } from './skip';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'lab.ts');
const token = 'of-the-test';
/** Milliseconds: a first set-up of JupyterLab is among what may happen. */
const startPatience = 560_000;

/** A running `npm run lab`. */
export interface RunningLab {
  /** Where it serves, without a slash at the end. */
  readonly address: string;
  /** The page of one notebook in the folder. */
  readonly pageOf: (notebook: string) => string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts JupyterLab on a folder by the command that users type, with settings and data of its own, and
 * waits until it answers. Where no JupyterLab can be had the suite whose hook this is is skipped.
 */
export async function startRunningLab(folder: string, context: Mocha.Context): Promise<RunningLab> {
  const home = temporaryFolder('home');
  const port = String(await freePort());
  const options = ['--own', '--no-browser', '--port', port, '--folder', folder];
  const child = spawn(
    process.execPath,
    typeScriptArguments(command, ...options, '--', `--IdentityProvider.token=${token}`),
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        JUPYTER_CONFIG_DIR: join(home, 'config'),
        JUPYTER_DATA_DIR: join(home, 'data'),
        JUPYTER_RUNTIME_DIR: join(home, 'runtime'),
        JUPYTERLAB_SETTINGS_DIR: join(home, 'settings'),
        JUPYTERLAB_WORKSPACES_DIR: join(home, 'workspaces'),
      },
    },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-4000)));
  }
  const address = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await untilAnswers(child, address, () => said);
  } catch (error) {
    await stop();
    const missing = /(?:JupyterLab needs Python|a Python virtual environment|pip could not).*/.exec(
      said,
    );
    if (missing !== null) skipBecause(context, missing[0]);
    throw error;
  }
  return {
    address,
    pageOf: (notebook) => `${address}/lab/workspaces/auto-t/tree/${notebook}?token=${token}&reset`,
    stop,
  };
}

async function untilAnswers(
  child: ChildProcess,
  address: string,
  said: () => string,
): Promise<void> {
  const deadline = Date.now() + startPatience;
  for (;;) {
    const answer = await fetch(`${address}/api?token=${token}`).catch(() => null);
    if (answer?.ok === true) return;
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`npm run lab did not start JupyterLab. It said:\n${said()}`);
    }
    await sleep(300);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await exited;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}
