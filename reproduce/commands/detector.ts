import { Command, Option } from 'commander';
import { runCommand } from '../../lib/cli';
import { loadCoco } from '../../lib/coco/load';
import { cocoStatNames } from '../../lib/coco/summary';
import type { DetectionProgress } from '../../lib/detection/train-detector';
import { type AloneRecipe, smallRecipe, trainAlone } from '../../lib/detection/train-alone';
import { startEngine } from '../../lib/engine/load';
import { LabError } from '../../lib/errors';
import { interruption } from '../../lib/train/interruption';

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

const command = new Command('npm run detector --')
  .description(
    'Trains a small Faster R-CNN from random weights on a data set in COCO’s form, without a teacher, and evaluates it. ' +
      'The same command goes on where an earlier one stopped (Ctrl-C saves). For the paper’s detectors see reproduce:table3.',
  )
  .requiredOption('--annotations <file>', 'instances_*.json of the training images')
  .requiredOption('--images <folder>', 'their images')
  .option('--test-annotations <file>', 'what it is evaluated on (the training images)')
  .option('--test-images <folder>', 'their images')
  .requiredOption('--out <folder>', 'where checkpoints, metrics, weights and detections go')
  .addOption(numberOption('--iterations <n>', 'steps of the optimiser', smallRecipe.iterations))
  .addOption(numberOption('--batch-size <n>', 'images a step', smallRecipe.batchSize))
  .addOption(numberOption('--learning-rate <rate>', 'of AdamW', smallRecipe.schedule.base))
  .addOption(
    numberOption(
      '--short-side <pixels>',
      'of the resized images',
      smallRecipe.shortSides[0] ?? 256,
    ),
  )
  .addOption(
    numberOption('--width <channels>', 'of the ResNet-18’s stem', smallRecipe.detector.width ?? 64),
  )
  .option('--flip', 'mirror images at random')
  .addOption(numberOption('--seed <n>', 'of weights, order and sampling', 1))
  .option('--json', 'one JSON object with the twelve figures on standard output')
  .allowExcessArguments(false)
  .action(train);

async function train(options: DetectorCommandOptions): Promise<void> {
  const training = loadCoco({ annotations: options.annotations, images: options.images });
  const evaluation = options.testAnnotations
    ? loadCoco({
        annotations: options.testAnnotations,
        images: options.testImages ?? options.images,
        categories: { of: options.annotations, categories: training.categories },
      })
    : training;
  await startEngine();
  const { signal, release } = interruption(() => {
    process.stderr.write('\nstopping after this step; everything will be saved\n');
  });
  try {
    const { stats } = await trainAlone({
      recipe: recipeOf(options),
      seed: options.seed,
      training,
      evaluation,
      directory: options.out,
      checkpointEvery: 100,
      signal,
      onIteration: progressPrinter(),
      onNotice: (message) => process.stderr.write(`${message}\n`),
      onImages: (done, total) => process.stderr.write(`evaluating: ${done} of ${total} images\r`),
    });
    process.stdout.write(
      options.json
        ? `${JSON.stringify(stats)}\n`
        : `\n${cocoStatNames.map((name) => `${name.padEnd(6)}${stats[name].toFixed(3)}`).join('\n')}\n`,
    );
  } finally {
    release();
  }
}

/** The small recipe with the options in it; its rate falls at the same shares of the iterations. */
function recipeOf(options: DetectorCommandOptions): AloneRecipe {
  const { iterations, batchSize, learningRate, shortSide, width } = options;
  const { schedule } = smallRecipe;
  const scaled = (iteration: number): number =>
    Math.round((iteration * iterations) / smallRecipe.iterations);
  return {
    ...smallRecipe,
    detector: { ...smallRecipe.detector, width },
    schedule: { ...schedule, base: learningRate, milestones: schedule.milestones.map(scaled) },
    iterations,
    batchSize,
    shortSides: [shortSide],
    longest: Math.round((shortSide * smallRecipe.longest) / (smallRecipe.shortSides[0] ?? 1)),
    flip: options.flip === true,
  };
}

/** A line each 20 iterations: the losses' running means and the time left. */
function progressPrinter(): (progress: DetectionProgress) => void {
  const means = new Map<string, number>();
  let seconds: number | undefined;
  return ({ iteration, iterations, losses, seconds: taken }) => {
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
