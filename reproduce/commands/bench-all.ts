import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { measureNoise, type Noise, noiseInWords, quietBusy } from '../../lib/bench/quiet';
import { type BenchRow, benchRows, timedCode } from '../../lib/bench/rows';
import {
  benchPictures,
  growthPicture,
  rowsPicture,
  withBenchRows,
} from '../../lib/bench/rows-page';
import {
  measureRows,
  minutesOf,
  rowsFor,
  rowsLeft,
  usualRounds,
} from '../../lib/bench/rows-measure';
import {
  type BenchRecord,
  type Conditions,
  isDone,
  ratioInWords,
  ratioOf,
  readBenchRecord,
  verdictOf,
} from '../../lib/bench/rows-record';
import { requirePython } from '../../lib/bench/torch';
import { parseCommand, runCommand } from '../../lib/cli';
import { processorBFloat16, processorName } from '../../lib/engine/processor';
import { codeRevision } from '../../lib/environment';
import { engineError, type LabError, optionError, unknownName } from '../../lib/errors';
import { writeAtomic } from '../../lib/files';
import { formatDuration } from '../../lib/format-duration';
import { count } from '../../lib/report/numbers';
import { renderSvg } from '../../lib/report/plots/style';
import { interruption } from '../../lib/train/interruption';
import { print, tableOf, wholeNumber } from './common';

interface Options {
  readonly torch?: string;
  readonly only?: string;
  readonly rounds: number;
  readonly record: string;
  readonly page: string;
  readonly noisy?: true;
  readonly list?: true;
  readonly json?: true;
}

const command = new Command('npm run bench:all --')
  .description(
    'Every row of docs/performance.md by one command: steps beside PyTorch’s in float32 and bfloat16, a teacher’s ' +
      'memory, images of 224, detectors, decoding, evaluation, growth. Each row is a process of npm run bench. What ' +
      'was measured of the same code is not measured again, so that a stopped command goes on where it was. Writes the ' +
      'record, the table between <!-- bench:all --> and <!-- /bench:all --> of the page, and its pictures.',
  )
  .option('--torch <python>', 'a Python with PyTorch and torchvision; own times only without one')
  .option('--only <rows>', 'rows by name or by its beginning, with commas; they are measured anew')
  .option('--rounds <number>', 'of ours and the other in turn', wholeNumber, usualRounds)
  .option('--record <file>', 'where what was measured is kept', 'results/bench.json')
  .option(
    '--page <file>',
    'the page with the two comments; left alone without them',
    'docs/performance.md',
  )
  .option('--noisy', 'go on although others use the processors')
  .option('--list', 'the rows, how long they take, and what is done')
  .option('--json', 'the record of the rows as one JSON object on standard output')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench:all -- --list
  npm run bench:all -- --torch ~/venv/bin/python
  npm run bench:all -- --torch ~/venv/bin/python --only resnet56,memory --rounds 3`,
  )
  .showHelpAfterError('(--help shows every option)')
  .allowExcessArguments(false)
  .action(benchAll);

async function benchAll(options: Options): Promise<void> {
  const { torch, rounds, record: file, only, json } = options;
  const record = readBenchRecord(file);
  const now: Conditions = {
    processor: processorName(),
    revision: codeRevision(timedCode).revision,
    ...{ rounds, torch: torch !== undefined },
  };
  const named = only === undefined ? benchRows : rowsNamed(only);
  const chosen = only === undefined ? rowsFor(processorBFloat16(), named) : named;
  if (options.list) return list({ named, chosen }, { record, now, json });
  const todo = only === undefined ? rowsLeft(chosen, record, now) : chosen;
  if (torch !== undefined) await requirePython(torch, 'torchvision', '--torch');
  const noise = todo.length === 0 ? undefined : await measureNoise();
  if (noise !== undefined) process.stderr.write(`bench:all: ${noiseInWords(noise)}\n`);
  if (noise !== undefined && noise.busy > quietBusy && !options.noisy) throw notQuiet(noise);
  const stop = interruption(() => process.stderr.write('bench:all: stopping …\n'));
  try {
    await measureRows(todo, {
      ...{ file, record, now, signal: stop.signal },
      measure: (row, signal) => measured(row, options, signal),
      say: (line) => process.stderr.write(`${line}\n`),
    });
  } finally {
    stop.release();
    await writePage(options, record);
  }
  const rows = Object.fromEntries(chosen.map(({ name }) => [name, record.rows[name]]));
  print(json, { noise, rows }, describe(chosen, record));
  const failed = chosen.filter(({ name }) => record.rows[name]?.state === 'failed');
  if (failed.length > 0) process.exitCode = 1;
}

function notQuiet(noise: Noise): LabError {
  return engineError`the machine is not quiet: found that ${noiseInWords(noise)}. Stop what else runs, or take --noisy and trust the ratios only`;
}

function rowsNamed(only: string): BenchRow[] {
  const names = benchRows.map(({ name }) => name);
  const wanted = only.split(',').filter((word) => word !== '');
  if (wanted.length === 0)
    throw optionError`no row is named (--only): found '${only}'. See npm run bench:all -- --list`;
  for (const word of wanted) {
    if (!names.some((name) => name.startsWith(word)))
      throw unknownName('row', word, names, '--only');
  }
  return benchRows.filter(({ name }) => wanted.some((word) => name.startsWith(word)));
}

function list(
  { named, chosen }: Record<'named' | 'chosen', readonly BenchRow[]>,
  {
    record,
    now,
    json,
  }: {
    readonly record: BenchRecord;
    readonly now: Conditions;
    readonly json: true | undefined;
  },
): void {
  const rows = named.map((row) => {
    const state = isDone(record.rows[row.name], now)
      ? 'done'
      : record.rows[row.name]?.state === 'failed'
        ? 'failed'
        : chosen.includes(row)
          ? 'to measure'
          : 'left out: this processor has no instructions for bfloat16';
    return { name: row.name, minutes: minutesOf(row, now), state };
  });
  const table = tableOf(['row', 'minutes', 'state']);
  for (const row of rows) table.push([row.name, row.minutes.toFixed(1), row.state]);
  const left = rowsLeft(chosen, record, now);
  const minutes = left.reduce((sum, row) => sum + minutesOf(row, now), 0);
  print(
    json,
    { rows, minutes },
    `${table.toString()}\n${count(left.length, 'row')}, about ${formatDuration(60 * minutes)} left on two cores`,
  );
}

/** Runs a row in a process of its own and gives what that says. */
async function measured(
  { args, torch }: BenchRow,
  options: Options,
  signal: AbortSignal,
): Promise<unknown> {
  const python = torch && options.torch !== undefined ? ['--torch', options.torch] : [];
  const file = join(__dirname, `bench${extname(__filename)}`);
  const given = [...args, '--rounds', String(options.rounds), ...python, '--json'];
  const child = spawn(process.execPath, [...process.execArgv, file, ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', kill);
  if (signal.aborted) kill();
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8');
    process.stderr.write(chunk);
  });
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status, by) =>
      resolve(status === 0 ? '' : (by ?? `status ${status ?? ''}`)),
    );
  });
  try {
    const [answer, fault] = await Promise.all([text(child.stdout), ended]);
    if (fault !== '') {
      const said = errors.split('\n').find((line) => line.startsWith('error: '));
      throw new Error(said?.slice('error: '.length) ?? fault);
    }
    return JSON.parse(answer);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

async function writePage({ page }: Options, record: BenchRecord): Promise<void> {
  const before = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const after = withBenchRows(before, record);
  if (after === null) return;
  writeAtomic(page, after);
  for (const [spec, file] of [
    [rowsPicture(record), benchPictures.rows],
    [growthPicture(record), benchPictures.growth],
  ] as const) {
    if (spec !== null) writeAtomic(join(dirname(page), file), `${await renderSvg(spec)}\n`);
  }
}

function describe(rows: readonly BenchRow[], record: BenchRecord): string {
  const table = tableOf(['row', 'what', 'beside', 'ratio', 'aim', '']);
  for (const { name } of rows) {
    const row = record.rows[name];
    if (row?.state === 'failed') table.push([name, row.error.slice(0, 60), '', '', '', 'failed']);
    if (row?.state !== 'measured') continue;
    for (const line of row.lines) {
      const ratio = ratioOf(line);
      if (ratio === null) continue;
      table.push([
        ...[name, line.label, line.beside ?? ''],
        ratioInWords(ratio),
        line.aim === null ? '' : `≤ ${line.aim}`,
        verdictOf(ratio, line),
      ]);
    }
  }
  return `${table.toString()}\n${processorName()}`;
}

runCommand(() => parseCommand(command));
