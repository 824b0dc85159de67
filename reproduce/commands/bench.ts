import CliTable from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { benchmarkStep, type StepBenchmark } from '../../lib/bench/step';
import { runCommand } from '../../lib/cli';
import { startEngine } from '../../lib/engine/load';
import { processorName } from '../../lib/results/environment';
import { LabError } from '../../lib/errors';
import { parsePairs } from '../../lib/study/grid';

interface BenchOptions {
  readonly pair: string;
  readonly batch: number;
  readonly iters: number;
  readonly profile?: true;
  readonly json?: true;
}

const command = new Command('npm run bench --')
  .description(
    'Times one KD++ training step (teacher forward, student forward and backward, losses, SGD) on random 32 × 32 ' +
      'images with 100 classes: medians over the counted steps. Timings on a busy machine mean little.',
  )
  .option('--pair <teacher:student>', 'the two networks', 'resnet56:resnet20')
  .option('--batch <number>', 'images in a batch', wholeNumber, 128)
  .option('--iters <number>', 'steps that count', wholeNumber, 10)
  .option('--profile', 'also print the time of each kind of operation')
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .action(bench);

async function bench({ pair, batch, iters, profile, json }: BenchOptions): Promise<void> {
  const [networks, ...others] = parsePairs(pair);
  if (networks === undefined || others.length > 0) {
    throw new LabError({
      kind: 'option',
      what: 'one pair is timed at a time',
      where: '--pair',
      found: `'${pair}'`,
      remedy: 'Write resnet56:resnet20',
    });
  }
  const engine = await startEngine();
  const found = benchmarkStep({
    ...networks,
    batch,
    iterations: iters,
    profile: profile === true,
    onStep: (done, total) => process.stderr.write(`step ${done} of ${total}\r`),
  });
  const whole = {
    pair,
    batch,
    iterations: iters,
    precision: 'f32',
    engine: engine.engine,
    device: engine.device,
    processor: processorName(),
    ...found,
  };
  process.stdout.write(json ? `${JSON.stringify(whole)}\n` : describe(pair, batch, found));
}

function describe(pair: string, batch: number, found: StepBenchmark): string {
  const { ms, minMs, maxMs, imagesPerSecond, teacherMs, peakMemoryMiB, operations } = found;
  const lines = [
    `KD++ step of ${pair}, batch ${batch}: ${ms.toFixed(0)} ms (${minMs.toFixed(0)}–${maxMs.toFixed(0)}), ${imagesPerSecond.toFixed(0)} images/s`,
    `teacher's forward pass alone: ${teacherMs.toFixed(0)} ms; peak memory ${peakMemoryMiB} MiB; ${processorName()}`,
  ];
  if (operations) {
    const table = new CliTable({
      head: ['operation', 'ms a step', 'calls a step'],
      style: { head: [], border: [] },
    });
    for (const { name, ms: time, calls } of operations) table.push([name, time.toFixed(2), calls]);
    const inOperations = operations.reduce((sum, operation) => sum + operation.ms, 0);
    table.push(['(JavaScript and the rest)', (ms - inOperations).toFixed(2), '']);
    lines.push(table.toString());
  }
  return `${lines.join('\n')}\n`;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number of at least 1 is needed.');
}

runCommand(() => command.parseAsync());
