import { Command, Option } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import type { DetectionData } from '../../lib/detection/coco/detection-data';
import { cocoStatNames } from '../../lib/detection/coco/evaluate';
import { loadCoco } from '../../lib/detection/coco/load';
import { startEngine } from '../../lib/engine/load';
import { type LabError, optionError, resultsError } from '../../lib/errors';
import { requireWritable } from '../../lib/files';
import { ConsoleReporter } from '../../lib/runs/console-reporter';
import { costModel } from '../../lib/runs/cost';
import { detection } from '../../lib/runs/detection';
import {
  type DetectionRecipe,
  smallRecipe,
  smallRecipeDefaults,
} from '../../lib/runs/detection-recipe';
import { executeRun } from '../../lib/runs/execute';
import { tryRunLock } from '../../lib/runs/lock';
import type { PlannedRun } from '../../lib/runs/plan';
import { recordedCommand } from '../../lib/runs/provenance';
import { readDetectionRun } from '../../lib/runs/store';
import { interruption } from '../../lib/train/interruption';
import type { Flags, Texts } from '../grid/settings';
import { print } from './common';

type DetectorCommandOptions = Readonly<Record<'annotations' | 'images' | 'out', string>> &
  Readonly<
    Record<'iterations' | 'batchSize' | 'learningRate' | 'shortSide' | 'width' | 'seed', number>
  > &
  Texts<'testAnnotations' | 'testImages'> &
  Flags<'flip' | 'json'>;

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
  .addOption(
    numberOption('--learning-rate <rate>', 'of AdamW', smallRecipeDefaults.learningRate, {
      what: 'a number above 0',
      fits: (rate) => Number.isFinite(rate) && rate > 0,
    }),
  )
  .addOption(
    numberOption('--short-side <pixels>', 'of the resized images', smallRecipeDefaults.shortSide),
  )
  .addOption(
    numberOption('--width <channels>', 'of the ResNet-18’s stem', smallRecipeDefaults.width),
  )
  .option('--flip', 'mirror images at random')
  .addOption(
    numberOption('--seed <n>', 'of weights, order and sampling', 1, {
      what: 'a whole number of at least 0',
      fits: (seed) => Number.isSafeInteger(seed) && seed >= 0,
    }),
  )
  .option('--json', 'one JSON object with the twelve figures on standard output')
  .allowExcessArguments(false)
  .action(train);

async function train(options: DetectorCommandOptions): Promise<void> {
  const { out: directory, seed } = options;
  requireWritable(directory, '--out');
  const data = dataOf(options);
  const recipe = smallRecipe({ ...options, flip: options.flip === true });
  const { student, iterations: length } = recipe;
  const task = detection({
    data,
    firstWeights: new Map(),
    ...{ teacherSeed: seed, teacherRecipeOf: () => recipe, classMeansIterations: 0 },
    estimateStep: () => NaN,
  });
  const run: PlannedRun<DetectionRecipe> = {
    ...{ kind: 'cell', teacher: null, student, pair: student, method: 'student', seed },
    ...{ recipe, directory, length, done: 0, finished: false },
  };
  const engine = await startEngine();
  const lock = await tryRunLock(directory);
  if (!lock) throw heldByAnother(directory);
  const reporter = new ConsoleReporter({ task, cost: costModel(task, [run]) });
  const { signal, release } = interruption(() =>
    reporter.say('Stopping after this step; everything will be saved'),
  );
  const command = recordedCommand('detector', process.argv.slice(2));
  const about = { study: 'detector', scale: 'short', command, engine } as const;
  try {
    await executeRun(
      task,
      { ...about, run, signal, assertHeld: lock.assertHeld, checkpointEvery },
      reporter.events.onRun(run, { index: 0, total: 1, others: [] }),
    );
    printFigures(directory, options.json);
  } finally {
    reporter.stop();
    release();
    await lock.release();
  }
}

function dataOf(options: DetectorCommandOptions): DetectionData {
  if (options.testImages !== undefined && options.testAnnotations === undefined) {
    throw optionError`test images need their annotations (--test-images): found no --test-annotations. Give that too, or leave --test-images out to evaluate on the training images`;
  }
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

function printFigures(directory: string, json: true | undefined): void {
  const { evaluation } = readDetectionRun(directory);
  if (evaluation === null) throw new Error('a finished run has its figures');
  const { stats } = evaluation;
  const lines = cocoStatNames.map((name) => `${name.padEnd(6)}${stats[name].toFixed(3)}`);
  print(json, stats, ['', ...lines].join('\n'));
}

function heldByAnother(where: string): LabError {
  return resultsError`another process trains in this folder (${where}). Wait for it, or give another --out`;
}

function numberOption(
  flags: string,
  description: string,
  fallback: number,
  { what, fits } = {
    what: 'a whole number of at least 1',
    fits: (value: number): boolean => Number.isSafeInteger(value) && value >= 1,
  },
): Option {
  const [flag = flags] = flags.split(' ');
  return new Option(flags, description).default(fallback).argParser((text) => {
    const value = Number(text.trim() || NaN);
    if (fits(value)) return value;
    throw optionError`${what} is needed (${flag}): found '${text}'. Write for example ${flag} ${fallback}`;
  });
}

runCommand(() => parseCommand(command));
