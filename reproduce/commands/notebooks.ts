import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { numericsError } from '../../lib/errors';
import { requireWritable } from '../../lib/files';
import { ensureCompiled } from '../../lib/notebook/compiled';
import { findNotebooks, runNotebooks } from '../../lib/notebook/run';
import { print, wholeNumber } from './common';

interface NotebooksOptions {
  readonly output?: string;
  readonly timeout: number;
  readonly jobs: number;
  readonly list?: true;
  readonly json?: true;
}

const command = new Command('npm run notebooks --')
  .description(
    'Executes the notebooks without a browser, each in a fresh kernel, shows what they print, and writes the executed copies. ' +
      'Exit status 1 when a cell fails, something throws after its cell has ended, or a kernel dies; such a notebook is left as it was. Needs no Python.',
  )
  .argument(
    '[names...]',
    'which notebooks, by name (03-nd-loss) or path; all of them when none is named',
  )
  .option('--output <folder>', 'write the executed copies there instead of over the notebooks')
  .option('--timeout <seconds>', 'how long one cell may take', positive, 600)
  .option(
    '--jobs <number>',
    'how many are executed at once; what each prints then comes when it has ended',
    wholeNumber,
    1,
  )
  .option('--list', 'only list the notebooks that would be executed')
  .option(
    '--json',
    'one JSON object on standard output: {notebooks: [{name, seconds, written, error}]}',
  )
  .action(execute);

async function execute(names: string[], options: NotebooksOptions): Promise<void> {
  const { output, timeout, jobs, list, json } = options;
  const files = findNotebooks(names);
  if (list === true) return print(json, { files }, files.join('\n'));
  if (output !== undefined) requireWritable(output, '--output');
  const log = (text: string): void => void process.stderr.write(text);
  await ensureCompiled((message) => log(`${message}\n`));
  if (jobs > 1) {
    // Kernels with a thread for each processor would only wait for one another.
    process.env['TF_NUM_INTRAOP_THREADS'] ??= String(
      Math.max(1, Math.floor(availableParallelism() / jobs)),
    );
  }
  // Of several at once the lines would be mixed.
  const held = new Map<string, string>();
  const say = (name: string, text: string): void => {
    if (jobs > 1) held.set(name, (held.get(name) ?? '') + text);
    else log(text);
  };
  const startedAt = performance.now();
  const results = await runNotebooks(files, {
    output,
    cellTimeout: timeout,
    jobs,
    onNotebook: (name, index, count) => say(name, `\n${name} (${index} of ${count})\n`),
    cellEvents: (name) => {
      const started = performance.now();
      return {
        onCell: (cell, cells, source) => {
          const elapsed = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
          say(name, `${elapsed} s [${String(cell)}/${String(cells)}] ${firstLine(source)}\n`);
        },
        onText: (text) => say(name, text.replace(/^(?=.)/gmu, '      ')),
      };
    },
    onResult: ({ name, seconds, error }) => {
      const time = `${seconds.toFixed(1)} s`;
      say(name, error === null ? `  done in ${time}\n` : `  FAILED after ${time}: ${name}\n`);
      log(held.get(name) ?? '');
    },
  });
  if (json === true) {
    const notebooks = results.map((result) => ({
      ...result,
      error: result.error?.message ?? null,
    }));
    process.stdout.write(`${JSON.stringify({ notebooks })}\n`);
  }
  const total = (performance.now() - startedAt) / 1000;
  const failures = results.flatMap(({ error }) => error ?? []);
  log(
    `\n${String(results.length)} notebooks in ${total.toFixed(0)} s, ${String(failures.length)} failed\n`,
  );
  if (failures.length === 0) return;
  throw numericsError`${String(failures.length)} of ${String(results.length)} notebooks failed: found ${failures.map(({ message }) => message.trimEnd()).join('\n- ')}. Mend the cells named above`;
}

function firstLine(source: string): string {
  const lines = source.split('\n').filter((line) => line.trim() !== '');
  return lines[0]?.slice(0, 90) ?? '';
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('A number of seconds above 0.');
  return value;
}

runCommand(() => parseCommand(command));
