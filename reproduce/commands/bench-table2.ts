import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { median } from 'simple-statistics';
import { z } from 'zod';
import { createBenchStep, timeOnce } from '../../lib/bench/step';
import { parseCommand, runCommand } from '../../lib/cli';
import { startEngine } from '../../lib/engine/load';
import { processorName } from '../../lib/engine/processor';
import { peakMemoryMiB } from '../../lib/environment';
import { engineError } from '../../lib/errors';
import { type Pair, pairName, parsePairs } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { hasTable2Cell, paperPairs, table2Recipe } from '../recipes/table2';
import { print, tableOf, wholeNumber } from './common';

interface Options {
  readonly pairs: string;
  readonly size: number;
  readonly classes: number;
  readonly batch: number;
  readonly microBatch?: number;
  readonly iters: number;
  readonly json?: true;
  readonly alone?: true;
}

/** What one pair's process finds. */
const stepSchema = z.object({
  pair: z.string(),
  row: z.string(),
  batch: z.number(),
  microBatch: z.number(),
  /** Median of the counted steps. */
  seconds: z.number(),
  /** The step before them, in which kernels are chosen and memory is taken. */
  firstSeconds: z.number(),
  peakMemoryMiB: z.number(),
  parameters: z.tuple([z.number(), z.number()]),
  recipeBatch: z.number(),
  recipeEpochs: z.number(),
});
type PairStep = z.infer<typeof stepSchema>;

const imagesOfImageNet = 1_281_167;
const secondsOfDay = 86_400;

const command = new Command('npm run bench:table2 --')
  .description(
    'Takes a training step of every pair of table 2 with the recipe of its KD++ (DeiT++) row: its loss terms, ' +
      'optimiser, adapter, stochastic depth, and for DeiT++ the token and mixed images. Each pair has a process of ' +
      'its own, so that its peak memory is its own. Images are random numbers: reading and augmenting real ones is ' +
      'timed by npm run bench -- --data. Timings on a busy machine mean little.',
  )
  .option('--pairs <list>', 'teacher:student, …', paperPairs.join(','))
  .option('--size <pixels>', 'side of the images', wholeNumber, 224)
  .option('--classes <number>', 'classes', wholeNumber, 1000)
  .option('--batch <number>', 'images of a step', wholeNumber, 8)
  .option('--micro-batch <number>', 'images that are computed at once (default: all)', wholeNumber)
  .option('--iters <number>', 'steps that count; one comes before them', wholeNumber, 1)
  .option('--json', 'one JSON object on standard output')
  .option('--alone', 'a single pair, in this process')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench:table2
  npm run bench:table2 -- --batch 16 --micro-batch 8
  npm run bench:table2 -- --pairs regnety_160:deit_base_distilled_patch16_224 --batch 4 --micro-batch 2`,
  )
  .showHelpAfterError('(--help shows every option)')
  .allowExcessArguments(false)
  .action(bench);

async function bench(options: Options): Promise<void> {
  const pairs = parsePairs(options.pairs, '--pairs');
  const [pair] = pairs;
  if (options.alone && pair) {
    return print(true, await timePair(pair, options), '');
  }
  const steps: PairStep[] = [];
  for (const [index, each] of pairs.entries()) {
    process.stderr.write(`[${index + 1}/${pairs.length}] a step of ${pairName(each)} …\n`);
    const step = await inProcessOfItsOwn(each, options);
    steps.push(step);
    process.stderr.write(`${' '.repeat(4)}${step.seconds.toFixed(1)} s\n`);
  }
  const { size, classes, json } = options;
  const whole = { size, classes, processor: processorName(), steps };
  print(json, whole, describe(options, whole));
}

async function inProcessOfItsOwn(pair: Pair, options: Options): Promise<PairStep> {
  const { size, classes, batch, microBatch, iters } = options;
  const words = [
    ...['--alone', '--pairs', pairName(pair), '--size', String(size), '--batch', String(batch)],
    ...['--classes', String(classes), '--iters', String(iters)],
    ...(microBatch === undefined ? [] : ['--micro-batch', String(microBatch)]),
  ];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...process.execArgv,
      process.argv[1] ?? '',
      ...words,
    ]);
    return stepSchema.parse(JSON.parse(stdout));
  } catch (error) {
    const { stderr = '', signal = null } = error as { stderr?: string; signal?: string | null };
    const line = stderr.split('\n').find((each) => each.startsWith('error: '));
    throw engineError.because(
      error,
    )`a step could not be taken (${pairName(pair)}): found ${line?.slice('error: '.length) ?? (signal ? `killed by ${signal}` : String(error))}. ${
      signal
        ? 'The system may have run out of memory: give a smaller --batch or --micro-batch'
        : 'Run that pair alone with --pairs'
    }`;
  }
}

async function timePair(pair: Pair, options: Options): Promise<PairStep> {
  await startEngine();
  const { size, classes, batch, iters } = options;
  const row = hasTable2Cell(pair, 'kd++') ? 'kd++' : 'deit++';
  const recipe = table2Recipe(pair, row);
  const microBatch = Math.min(options.microBatch ?? batch, batch);
  const step = createBenchStep({
    ...pair,
    batch,
    setting: { size, classes, recipe: { ...recipe, microBatch }, mixed: isMixed(recipe) },
  });
  try {
    const firstSeconds = timeOnce(step.whole) / 1000;
    const times = Array.from({ length: iters }, () => timeOnce(step.whole) / 1000);
    return {
      pair: pairName(pair),
      row,
      batch,
      microBatch,
      seconds: median(times),
      firstSeconds,
      peakMemoryMiB: peakMemoryMiB(),
      parameters: [...step.parameters],
      recipeBatch: recipe.batchSize,
      recipeEpochs: recipe.epochs,
    };
  } finally {
    step.dispose();
  }
}

function isMixed({ augmentation }: TrainingRecipe): boolean {
  return augmentation.startsWith('deit');
}

function describe(
  { size, classes }: Options,
  { processor, steps }: { processor: string; steps: readonly PairStep[] },
): string {
  const table = tableOf([
    ...['pair', 'row', 'batch', 's a step', 'images/s', 'peak memory'],
    ...['a step of the recipe', 'the recipe on ImageNet'],
  ]);
  for (const step of steps) {
    const { pair, row, batch, microBatch, seconds, recipeBatch, recipeEpochs } = step;
    const perImage = seconds / batch;
    const days = (perImage * imagesOfImageNet * recipeEpochs) / secondsOfDay;
    table.push([
      pair,
      row,
      microBatch === batch
        ? String(batch)
        : `${batch} as ${Math.ceil(batch / microBatch)} × ${microBatch}`,
      seconds.toFixed(2),
      (1 / perImage).toFixed(2),
      `${(step.peakMemoryMiB / 1024).toFixed(1)} GiB`,
      `${recipeBatch}: about ${(perImage * recipeBatch).toFixed(0)} s`,
      `${recipeEpochs} epochs: about ${days.toFixed(0)} days`,
    ]);
  }
  return [
    `One training step at ${size} × ${size} with ${classes.toLocaleString('en')} classes, float32; ${processor}`,
    table.toString(),
    'The last two columns are arithmetic: the time of an image times those of the recipe.',
  ].join('\n');
}

runCommand(() => parseCommand(command));
