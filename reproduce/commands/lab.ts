import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { engineError, optionError } from '../../lib/errors';
import { ensureCompiled } from '../../lib/notebook/compiled';
import {
  installedJupyterLab,
  type JupyterLab,
  ownJupyterLab,
  setUpJupyterLab,
  setUpPrinter,
  startLab,
} from '../../lib/notebook/lab';

interface LabOptions {
  readonly folder?: string;
  readonly port?: number;
  readonly browser: boolean;
  readonly setupOnly?: true;
  readonly installed?: true;
  readonly own?: true;
}

const command = new Command('npm run lab --')
  .description(
    'Opens the notebooks in JupyterLab, with this project’s TypeScript kernel found. ' +
      'A JupyterLab 4 of python3 that has Plotly’s renderer is used as it is; otherwise one is set up in a virtual environment in the user’s cache, ' +
      'and nothing else on the machine is changed.',
  )
  .argument('[arguments...]', 'passed on to JupyterLab, after a second --')
  .option('--folder <path>', 'show notebooks of another folder; cells find the library there too')
  .option('--no-browser', 'only start the server and print its address')
  .option('--port <number>', 'where the server listens; 8888 or the next free one by default', port)
  .option('--setup-only', 'set everything up and stop')
  .option('--installed', 'use the JupyterLab of python3, whatever it lacks')
  .option('--own', 'use the JupyterLab in the cache, even if another one would do')
  .action(open);

async function open(extra: string[], options: LabOptions): Promise<void> {
  const { folder } = options;
  if (folder !== undefined && !existsSync(folder)) {
    throw optionError`there is no such folder (--folder ${folder}). Name a folder that is there; without --folder the notebooks of this project are shown`;
  }
  await ensureCompiled(notify);
  const lab = await chooseLab(options);
  const plots = lab.drawsPlots
    ? ''
    : '; it has no renderer for Plotly, so plots show as pictures (python3 -m pip install plotly)';
  notify(`JupyterLab ${lab.version} of ${lab.python}${plots}`);
  if (options.setupOnly === true) return;
  process.exitCode = await startLab(lab, {
    browser: options.browser,
    extra,
    folder,
    port: options.port,
  });
}

async function chooseLab({ installed, own }: LabOptions): Promise<JupyterLab> {
  if (own !== true) {
    const found = await installedJupyterLab();
    if (found !== null && (found.drawsPlots || installed === true)) return found;
    if (installed === true) {
      throw engineError`no JupyterLab 4 is installed for python3. Leave out --installed: one is then set up in the cache`;
    }
    if (found !== null && (await ownJupyterLab()) === null) {
      notify(
        `JupyterLab ${found.version} is there but draws no Plotly figures; setting up another (--installed uses it all the same)`,
      );
    }
  }
  return setUpJupyterLab(setUpPrinter());
}

function notify(message: string): void {
  process.stderr.write(`lab: ${message}\n`);
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new InvalidArgumentError('A port is a whole number from 1 to 65535.');
  }
  return value;
}

runCommand(() => parseCommand(command));
