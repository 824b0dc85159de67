import { Command, Option } from 'commander';
import { runCommand } from '../../lib/cli';
import { loadCoco } from '../../lib/coco/load';
import type { DetectionData } from '../../lib/coco/study/data';
import { executeDetection } from '../../lib/coco/study/execute';
import { smallRecipe, smallRecipeDefaults } from '../../lib/coco/study/small-recipe';
import { readDetectionRun } from '../../lib/coco/study/store';
import { cocoStatNames } from '../../lib/coco/summary';
import { startEngine } from '../../lib/engine/load';
import { LabError } from '../../lib/errors';
import { recordedCommand } from '../../lib/results/command';
import { tryRunLock } from '../../lib/study/run-lock';
import { interruption } from '../../lib/train/interruption';
import type { BatchState } from '../../lib/train/train';

interface DetectorCommandOptions {
  readonly annotations: string;
  readonly images: string;
  readonly testAnnotations?: string;
  readonly testImages?: string;
  readonly out: string;
  readonly iterations: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly shortSide: number;
  readonly width: number;
  readonly flip?: true;
  readonly seed: number;
  readonly json?: true;
}

/** Iterations between two checkpoints: a minute or less. */
const checkpointEvery = 100;

const command = new Command('npm run detector --')
  .description(
    'Trains a small Faster R-CNN from random weights on a data set in COCO’s form, without a teacher, and evaluates it. ' +
      'The same command goes on where an earlier one stopped (Ctrl-C saves). For the paper’s detectors see reproduce:table3.',
  )
  .requiredOption('--annotations <file>', 'instances_*.json of the training images')
  .requiredOption('--images <folder>', 'their images')
  .option('--test-annotations <file>', 'what it is evaluated on (the training images)')
  .option('--test-images <folder>', 'their images')
  .requiredOption(
    '--out <folder>',
    'where the run goes: config.json, metrics.jsonl, evaluation.json, provenance.json, detections, weights',
  )
  .addOption(
    numberOption('--iterations <n>', 'steps of the optimiser', smallRecipeDefaults.iterations),
  )
  .addOption(numberOption('--batch-size <n>', 'images a step', smallRecipeDefaults.batchSize))
  .addOption(numberOption('--learning-rate <rate>', 'of AdamW', smallRecipeDefaults.learningRate))
  .addOption(
    numberOption('--short-side <pixels>', 'of the resized images', smallRecipeDefaults.shortSide),
  )
  .addOption(
    numberOption('--width <channels>', 'of the ResNet-18’s stem', smallRecipeDefaults.width),
  )
  .option('--flip', 'mirror images at random')
  .addOption(numberOption('--seed <n>', 'of weights, order and sampling', 1))
  .option('--json', 'one JSON object with the twelve figures on standard output')
  .allowExcessArguments(false)
  .action(train);

async function train(options: DetectorCommandOptions): Promise<void> {
  const { out: directory, seed } = options;
  const data = dataOf(options);
  const engine = await startEngine();
  const lock = await tryRunLock(directory);
  if (!lock) throw heldByAnother(directory);
  const { signal, release } = interruption(() => {
    process.stderr.write('\nstopping after this step; everything will be saved\n');
  });
  const recipe = smallRecipe({ ...options, flip: options.flip === true });
  const { student, iterations } = recipe;
  try {
    await executeDetection({
      study: 'detector',
      scale: 'short',
      run: {
        kind: 'cell',
        teacher: null,
        student,
        pair: student,
        method: 'student',
        seed,
        recipe,
        directory,
        iterationsDone: 0,
        finished: false,
      },
      data,
      command: recordedCommand('detector', process.argv.slice(2)),
      engine,
      signal,
      assertHeld: lock.assertHeld,
      checkpointEvery,
      onBatch: progressPrinter(iterations),
      onNotice: (message) => process.stderr.write(`${message}\n`),
      onImages: (done, total) => process.stderr.write(`evaluating: ${done} of ${total} images\r`),
    });
    print(directory, options.json === true);
  } finally {
    release();
    await lock.release();
  }
}

function dataOf(options: DetectorCommandOptions): DetectionData {
  const training = loadCoco({ annotations: options.annotations, images: options.images });
  const evaluation = options.testAnnotations
    ? loadCoco({
        annotations: options.testAnnotations,
        images: options.testImages ?? options.images,
        categories: { of: options.annotations, categories: training.categories },
      })
    : training;
  return { name: training.name, training, evaluation };
}

function print(directory: string, json: boolean): void {
  const { evaluation } = readDetectionRun(directory);
  if (evaluation === null) throw new Error('a finished run has its figures');
  const { stats } = evaluation;
  process.stdout.write(
    json
      ? `${JSON.stringify(stats)}\n`
      : `\n${cocoStatNames.map((name) => `${name.padEnd(6)}${stats[name].toFixed(3)}`).join('\n')}\n`,
  );
}

/** A line each 20 iterations: the losses' running means and the time left. */
function progressPrinter(iterations: number): (state: BatchState) => void {
  const means = new Map<string, number>();
  let seconds: number | undefined;
  return ({ step: iteration, losses, seconds: taken }) => {
    seconds = seconds === undefined ? taken : 0.95 * seconds + 0.05 * taken;
    for (const [name, value] of Object.entries(losses)) {
      means.set(name, 0.95 * (means.get(name) ?? value) + 0.05 * value);
    }
    if (iteration % 20 !== 0) return;
    const text = [...means].map(([name, value]) => `${name} ${value.toFixed(3)}`).join('  ');
    const left = Math.ceil(((iterations - iteration) * seconds) / 60);
    process.stderr.write(`${iteration} of ${iterations}  ${text}  ${left} min left\n`);
  };
}

function heldByAnother(where: string): LabError {
  return new LabError({
    kind: 'results',
    what: 'another process trains in this folder',
    where,
    remedy: 'Wait for it, or give another --out',
  });
}

function numberOption(flags: string, description: string, fallback: number): Option {
  return new Option(flags, description).default(fallback).argParser((text) => {
    const value = Number(text);
    if (Number.isFinite(value) && value > 0) return value;
    throw new LabError({
      kind: 'option',
      what: `${flags.split(' ')[0] ?? flags} is not a number above 0`,
      found: `'${text}'`,
      remedy: 'Give a number such as the default',
    });
  });
}

runCommand(() => command.parseAsync());
