import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { median } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { runCommand } from '../../lib/cli';
import { runProgram } from '../../lib/engine/program';
import { engineError, numericsError, unknownName } from '../../lib/errors';
import { writeAtomic } from '../../lib/files';
import { temporaryFolder } from '../../lib/processes';
import { renderSvg } from '../../lib/report/plots/style';
import { print, tableOf, wholeNumber } from '../../reproduce/commands/common';
import { typeScriptArguments } from '../support/child';

/** What a process holds at a moment: `sample.cjs` writes it. */
interface Sample {
  readonly seconds: number;
  readonly megabytes: number;
  readonly files: number;
  readonly threads: number;
  readonly handles: number;
}

/** One long run: the smallest pair of a table, its last row alone after its teacher. */
interface LongRun {
  readonly table: string;
  /** Without `--steps`. */
  readonly steps: number;
  readonly words: (steps: number) => string[];
}

/** Steps of an epoch over the embedded images. */
const stepsOf = (images: number, batch: number): number => Math.floor(images / batch);

const longRuns: readonly LongRun[] = [
  {
    table: 'table1',
    steps: 10_000,
    words: (steps) => [
      ...['--pairs', 'resnet20:resnet8', '--methods', 'kd++', '--batch', '20'],
      ...['--epochs', String(Math.ceil(steps / stepsOf(10_000, 20))), '--teacher-epochs', '1'],
    ],
  },
  {
    table: 'table2',
    steps: 10_000,
    words: (steps) => [
      ...['--pairs', 'resnet34_half:resnet18_half', '--methods', 'kd++', '--batch', '8'],
      ...['--epochs', String(Math.ceil(steps / stepsOf(800, 8))), '--teacher-epochs', '1'],
    ],
  },
  {
    table: 'table3',
    steps: 1000,
    words: (steps) => ['--methods', 'kd++', '--iterations', String(steps)],
  },
];

/** The teacher comes first, and functions, pools and buffers that stay: what counts is the second half. */
const [from, to] = [0.5, 0.7];
/** What is flat: the last fifth holds at most so much more than the fifth after the middle. */
const allowed = { megabytes: 0.05, files: 0, threads: 0, handles: 0 } as const;
type Held = keyof typeof allowed;
const held = Object.keys(allowed) as Held[];

interface Endured {
  readonly table: string;
  readonly steps: number;
  readonly minutes: number;
  /** Medians of the fifth after the middle, and of the last. */
  readonly early: Readonly<Record<Held, number>>;
  readonly late: Readonly<Record<Held, number>>;
  readonly flat: boolean;
  readonly samples: readonly Sample[];
}

const command = new Command('npm run endurance --')
  .description(
    'Trains long runs and watches what their processes hold: memory, files, threads, handles of Node. Exit status 1 when any of it grows.',
  )
  .option('--tables <list>', 'of table1, table2, table3', 'table1,table2,table3')
  .option('--steps <number>', 'of each (default: 10,000, of table3 1,000)', wholeNumber)
  .option('--svg <file>', 'also draw memory over time')
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .action(endure);

interface EnduranceOptions {
  readonly tables: string;
  readonly steps?: number;
  readonly svg?: string;
  readonly json?: true;
}

async function endure({ tables, steps, svg, json }: EnduranceOptions): Promise<void> {
  const chosen = tables.split(',').map((name) => {
    const found = longRuns.find(({ table }) => table === name);
    if (found) return found;
    throw unknownName(
      'table',
      name,
      longRuns.map(({ table }) => table),
      '--tables',
    );
  });
  const endured: Endured[] = [];
  for (const run of chosen) endured.push(await endureOne(run, steps ?? run.steps));
  if (svg !== undefined) writeAtomic(svg, await renderSvg(memoryOverTime(endured)));
  print(json, { runs: endured.map(({ samples: _, ...one }) => one) }, inWords(endured));
  const growing = endured.filter(({ flat }) => !flat).map(({ table }) => table);
  if (growing.length === 0) return;
  throw numericsError`a long run holds more and more (npm run endurance): found ${growing.join(', ')}. See which column grows`;
}

async function endureOne({ table, words }: LongRun, steps: number): Promise<Endured> {
  const folder = temporaryFolder('endurance');
  const file = join(folder, 'samples');
  writeFileSync(file, '');
  const program = join(__dirname, '..', '..', 'reproduce', 'main.ts');
  process.stderr.write(`${table}: ${steps} steps …\n`);
  try {
    const { status, stderr } = await runProgram(
      process.execPath,
      [
        ...['--require', join(__dirname, 'sample.cjs')],
        ...typeScriptArguments(program, table, ...words(steps), '--results', folder),
      ],
      { env: { ...process.env, NORM_DIRECTION_LAB_SAMPLES: file } },
    );
    if (status !== 0) {
      throw engineError`a long run did not come to its end (${table}): found ${stderr.slice(-2000)}. Mend what it says`;
    }
    const samples = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Sample);
    return judged(table, steps, samples);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function judged(table: string, steps: number, samples: readonly Sample[]): Endured {
  const part = (first: number, end: number): readonly Sample[] =>
    samples.slice(Math.floor(samples.length * first), Math.ceil(samples.length * end));
  const medians = (of: readonly Sample[]): Record<Held, number> => ({
    megabytes: median(of.map(({ megabytes }) => megabytes)),
    files: median(of.map(({ files }) => files)),
    threads: median(of.map(({ threads }) => threads)),
    handles: median(of.map(({ handles }) => handles)),
  });
  const [early, late] = [medians(part(from, to)), medians(part(0.8, 1))];
  const flat = held.every((name) => late[name] <= early[name] * (1 + allowed[name]));
  const minutes = (samples.at(-1)?.seconds ?? 0) / 60;
  return { table, steps, minutes, early, late, flat, samples };
}

function inWords(endured: readonly Endured[]): string {
  const table = tableOf(['run', 'steps', 'minutes', ...held, '']);
  for (const { table: name, steps, minutes, early, late, flat } of endured) {
    const change = held.map((key) => `${early[key].toFixed(0)} → ${late[key].toFixed(0)}`);
    table.push([name, steps, minutes.toFixed(1), ...change, flat ? 'flat' : 'GROWS']);
  }
  return table.toString();
}

function memoryOverTime(endured: readonly Endured[]): TopLevelSpec {
  const values = endured.flatMap(({ table, steps, samples }) =>
    samples.map(({ seconds, megabytes }) => ({
      run: `${table}, ${steps.toLocaleString('en')} steps`,
      share: seconds / (samples.at(-1)?.seconds ?? 1),
      megabytes,
    })),
  );
  return {
    width: 560,
    height: 260,
    data: { values },
    mark: 'line',
    encoding: {
      x: { field: 'share', type: 'quantitative', title: 'share of the run', axis: { format: '%' } },
      y: { field: 'megabytes', type: 'quantitative', title: 'memory of the process (MiB)' },
      color: { field: 'run', type: 'nominal', title: null, legend: { labelLimit: 0 } },
    },
  };
}

runCommand(() => command.parseAsync());
