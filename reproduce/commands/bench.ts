import { Command, Option } from 'commander';
import { benchmarkGrowth } from '../../lib/bench/growth-benchmark';
import { benchmarkLoss } from '../../lib/bench/loss-benchmark';
import { benchmarkMemory } from '../../lib/bench/memory-benchmark';
import { benchmarkMemoryGrid } from '../../lib/bench/memory-grid';
import type { BenchSetting, OnBenchProgress } from '../../lib/bench/step';
import { benchmarkStep } from '../../lib/bench/step-benchmark';
import { benchmarkSurroundings } from '../../lib/bench/surroundings-benchmark';
import { requirePython, type TorchOptions } from '../../lib/bench/torch';
import { parseCommand, runCommand } from '../../lib/cli';
import type { EngineDescription } from '../../lib/engine/describe';
import { startEngine } from '../../lib/engine/load';
import { parsePrecision, type Precision, requirePrecision } from '../../lib/engine/precision';
import { processorName } from '../../lib/engine/processor';
import { optionError } from '../../lib/errors';
import type { Pair } from '../../lib/runs/grid';
import type { Flags, Texts } from '../grid/settings';
import { hasTable2Cell, table2Recipe } from '../recipes/table2';
import { benchCoco } from './bench-coco';
import { benchData } from './bench-data';
import { benchDetector } from './bench-detector';
import {
  describeGrowth,
  describeLoss,
  describeMemory,
  describeMemoryGrid,
  describeStep,
  describeSurroundings,
  onePair,
} from './bench-text';
import { print, wholeNumber, withBenchProgress } from './common';

type BenchOptions = Readonly<Record<'pair' | 'precision' | 'method' | 'workers', string>> &
  Readonly<Record<'batch' | 'iters' | 'rounds' | 'epochs' | 'shortSide' | 'imageSize', number>> &
  Texts<'torch' | 'torchPrecision' | 'python' | 'detector' | 'data' | 'augmentation'> &
  Flags<
    'profile' | 'eager' | 'surroundings' | 'growth' | 'coco' | 'skipCorrupt' | 'cached' | 'json'
  > & {
    readonly size?: number;
    readonly loss?: 'nd';
    readonly teacherMemory?: 'step' | 'grid';
  };

const imageNetClasses = 1000;

/** Of the embeddings whose loss is timed. */
const lossDimension = 256;

const command = new Command('npm run bench --')
  .description(
    'Times one KD++ training step (teacher forward, student forward and backward, losses, SGD) on random 32 × 32 ' +
      'images with 100 classes: medians over the counted steps. Timings on a busy machine mean little.',
  )
  .option('--pair <teacher:student>', 'the two networks', 'resnet56:resnet20')
  .option('--batch <number>', 'images in a batch', wholeNumber, 128)
  .addOption(
    new Option(
      '--size <pixels>',
      `side of the images, for the networks of table 2: their step of KD++ (DeiT++) with ${imageNetClasses.toLocaleString('en')} classes`,
    )
      .argParser(wholeNumber)
      .conflicts('loss'),
  )
  .option(
    '--precision <precision>',
    'f32, tf32 on a GPU, or bf16 for the networks that have it',
    'f32',
  )
  .option('--iters <number>', 'steps that count', wholeNumber, 10)
  .option(
    '--torch <python>',
    'also run the same step in the PyTorch of this Python, in turn with ours (channels last, the faster of ' +
      'eager and torch.compile, whose first step takes a minute or more), and print ours divided by PyTorch’s',
  )
  .option(
    '--torch-precision <precision>',
    'f32, tf32 on a GPU, or bf16 for autocast (default: --precision)',
  )
  .option('--rounds <number>', 'pairs of runs with --torch, each of --iters steps', wholeNumber, 5)
  .addOption(
    new Option(
      '--loss <name>',
      `time the ND loss alone, forward and backward, on embeddings of ${lossDimension}, against a loop over the samples`,
    )
      .choices(['nd'])
      .conflicts(['pair', 'profile', 'rounds', 'precision', 'torchPrecision']),
  )
  .option('--profile', 'also print the time of each kind of operation, each run by itself')
  .addOption(
    new Option(
      '--eager',
      'run every operation by itself; else the networks’ passes are TensorFlow functions after three steps',
    ).conflicts(['loss', 'coco', 'detector', 'data']),
  )
  .addOption(
    new Option(
      '--surroundings',
      'time instead what surrounds the steps of a training of this pair on the embedded images: reading, evaluation, ' +
        'start-up of a process',
    ).conflicts(['size', 'torch', 'torchPrecision', 'loss', 'profile', 'eager']),
  )
  .addOption(
    new Option(
      '--teacher-memory <what>',
      'time instead what a teacher’s memory spares: of a step, filled and while it fills, with --torch beside PyTorch’s ' +
        'whole step; or of a grid of 4 methods and 3 seeds of --epochs on 4 batches of images',
    )
      .choices(['step', 'grid'])
      .conflicts(['size', 'loss', 'profile', 'eager', 'surroundings']),
  )
  .option('--epochs <number>', 'with --teacher-memory grid: of each training', wholeNumber, 60)
  .addOption(
    new Option(
      '--growth',
      'time instead a step by images in a batch and by pixels, losses and class means by classes, each at growing sizes',
    ).conflicts(['size', 'torch', 'loss', 'profile', 'eager', 'surroundings', 'teacherMemory']),
  )
  .addOption(
    new Option(
      '--coco',
      'time COCO’s evaluation instead, on as many made-up objects and detections as val2017 has',
    ).conflicts(['pair', 'profile', 'torch', 'torchPrecision', 'loss']),
  )
  .option('--python <python>', 'with --coco: also run the pycocotools of this Python, in turn')
  .addOption(
    new Option(
      '--detector <teacher:student>',
      'time instead a training step of table 3 (r101-fpn:r18-fpn, …) on made-up images, with the share of RoIAlign, ' +
        'non-maximum suppression and matching, and its memory; --precision, --batch, --iters and --profile hold (1 image, 3 steps); ' +
        'with --torch and --method kd++ in turn with torchvision’s (channels last and compiled, or as it is)',
    ).conflicts(['pair', 'size', 'torchPrecision', 'loss', 'coco']),
  )
  .option('--method <name>', 'with --detector: its row', 'reviewkd++')
  .option('--short-side <pixels>', 'with --detector: of the images', wholeNumber, 800)
  .addOption(
    new Option(
      '--data <folder>',
      'time instead how fast the training images of this folder (train/CLASS/…, val/CLASS/…; or made-up) are decoded and ' +
        'augmented, --iters batches a pass; with --torch in turn with PyTorch’s DataLoader and torchvision',
    ).conflicts(['pair', 'profile', 'precision', 'torchPrecision', 'loss', 'coco']),
  )
  .option('--workers <numbers>', 'with --data: numbers of decoding threads to try', '1,2,4')
  .option('--image-size <number>', 'with --data: side of the images', wholeNumber, 224)
  .option('--skip-corrupt', 'with --data: leave out files that cannot be decoded')
  .option('--cached', 'with --data: keep decoded images in memory, as training does')
  .addOption(
    new Option(
      '--augmentation <name>',
      'with --data: another than random crop and flip, as deit',
    ).conflicts('torch'),
  )
  .option('--json', 'one JSON object on standard output')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench
  npm run bench -- --pair resnet32x4:resnet8x4 --batch 64 --profile
  npm run bench -- --pair wrn_40_2:wrn_40_1 --torch ~/venv/bin/python
  npm run bench -- --loss nd
  npm run bench -- --pair resnet20:resnet8 --surroundings
  npm run bench -- --pair resnet34:resnet18 --size 224 --batch 32 --iters 3
  npm run bench -- --pair resnet56:resnet20 --teacher-memory step --torch ~/venv/bin/python
  npm run bench -- --pair resnet20:resnet8 --growth
  npm run bench -- --coco --python ~/venv/bin/python
  npm run bench -- --detector r101-fpn:r18-fpn --method kd++ --profile
  npm run bench -- --detector r101-fpn:r18-fpn --method kd++ --torch ~/venv/bin/python
  npm run bench -- --data ~/imagenet --workers 1,2,4 --torch ~/venv/bin/python`,
  )
  .showHelpAfterError('(--help shows every option)')
  .allowExcessArguments(false)
  .action(bench);

async function bench(options: BenchOptions): Promise<void> {
  const { coco, python, data, rounds, json } = options;
  if (options.teacherMemory === 'grid' && options.torch !== undefined) {
    throw optionError`a grid is timed without PyTorch (--teacher-memory grid): found --torch ${options.torch}. Leave --torch out, or time a step beside it with --teacher-memory step`;
  }
  if (options.torch !== undefined) await requirePython(options.torch, 'torch', '--torch');
  if (python !== undefined) await requirePython(python, 'pycocotools', '--python');
  if (data !== undefined) return benchData({ ...options, data });
  if (options.detector !== undefined) return timeDetector(options, options.detector);
  if (coco) return benchCoco({ rounds, python, json });
  const pair = onePair(options.pair, { option: '--pair', example: 'resnet56:resnet20' });
  const precision = parsePrecision(options.precision, '--precision');
  const torchPrecision = parsePrecision(options.torchPrecision ?? precision, '--torch-precision');
  const engine = await startEngine({ tf32: precision === 'tf32' });
  requirePrecision(precision, engine, (notice) => process.stderr.write(`bench: ${notice}\n`));
  if (options.surroundings) {
    const { batch, iters: iterations } = options;
    const settings = { ...pair, precision, batch, iterations, rounds };
    const found = await withBenchProgress((onProgress) =>
      benchmarkSurroundings({ ...settings, onProgress }),
    );
    const whole = { ...about(options, engine), precision, pair: options.pair, ...found };
    return print(json, whole, describeSurroundings(settings, found));
  }
  const torch: TorchOptions | undefined =
    options.torch === undefined
      ? undefined
      : {
          python: options.torch,
          precision: torchPrecision,
          device: engine.gpu ? 'cuda' : 'cpu',
          threads: engine.threads,
        };
  const { text, found } = await withBenchProgress((onProgress) =>
    timeWhat({ ...pair, precision }, options, torch, onProgress),
  );
  print(json, { ...about(options, engine), precision, ...found }, text);
}

/** A step takes seconds: fewer images and steps than elsewhere unless they are asked for. */
function timeDetector(options: BenchOptions, detector: string): Promise<void> {
  const { method, shortSide, batch, iters, profile, torch, rounds, json } = options;
  const given = (name: string): boolean => command.getOptionValueSource(name) !== 'default';
  return benchDetector({
    detector,
    method,
    precision: parsePrecision(options.precision, '--precision'),
    shortSide,
    batch: given('batch') ? batch : 1,
    iterations: given('iters') ? iters : 3,
    profile: profile === true,
    ...{ torch, rounds, json },
  });
}

interface Timed {
  readonly text: string;
  readonly found: object;
}

function timeWhat(
  networks: Networks,
  options: BenchOptions,
  torch: TorchOptions | undefined,
  onProgress: OnBenchProgress,
): Promise<Timed> {
  if (options.loss !== undefined) return timeLoss(options, torch, onProgress);
  if (options.growth) return timeGrowth(networks, options, onProgress);
  if (options.teacherMemory !== undefined) return timeMemory(networks, options, torch, onProgress);
  return timeStep(networks, options, torch, onProgress);
}

async function timeMemory(
  networks: Networks,
  { teacherMemory, pair, batch, epochs, iters: iterations, rounds }: BenchOptions,
  torch: TorchOptions | undefined,
  onProgress: OnBenchProgress,
): Promise<Timed> {
  if (teacherMemory === 'grid') {
    const seeds = 3;
    const grid = await benchmarkMemoryGrid({ ...networks, batch, epochs, seeds, onProgress });
    return { text: describeMemoryGrid(pair, grid), found: { pair, grid } };
  }
  const settings = { ...networks, batch, iterations, rounds, onProgress };
  const memory = await benchmarkMemory({ ...settings, torch });
  return { text: describeMemory(pair, memory), found: { pair, memory } };
}

async function timeGrowth(
  networks: Networks,
  { pair, batch, iters: iterations }: BenchOptions,
  onProgress: OnBenchProgress,
): Promise<Timed> {
  const growth = await benchmarkGrowth({ ...networks, batch, iterations, onProgress });
  return { text: describeGrowth(growth), found: { pair, growth } };
}

type Networks = Pair & { readonly precision: Precision };

async function timeStep(
  networks: Networks,
  { pair, batch, size, iters, rounds, profile, eager }: BenchOptions,
  torch: TorchOptions | undefined,
  onProgress: OnBenchProgress,
): Promise<Timed> {
  const found = await benchmarkStep({
    ...networks,
    batch,
    ...(size === undefined ? {} : { setting: imageNetSetting(networks, size) }),
    iterations: iters,
    profile: profile === true,
    eager: eager === true,
    onProgress,
    onNotice: (notice) => process.stderr.write(`bench: ${notice}\n`),
    torch: torch && { ...torch, rounds },
  });
  return { text: describeStep(pair, batch, found), found: { pair, ...found } };
}

/** The paper's ImageNet recipe of a pair, its `++` row. */
function imageNetSetting(pair: Pair, size: number): BenchSetting {
  const method = hasTable2Cell(pair, 'kd++') ? 'kd++' : 'deit++';
  const recipe = table2Recipe(pair, method);
  const mixed = recipe.augmentation.startsWith('deit');
  return { size, classes: imageNetClasses, recipe, mixed };
}

async function timeLoss(
  { batch, iters }: BenchOptions,
  torch: TorchOptions | undefined,
  onProgress: OnBenchProgress,
): Promise<Timed> {
  const found = await benchmarkLoss({
    batch,
    dimension: lossDimension,
    iterations: iters,
    onProgress,
    torch,
  });
  const size = { loss: 'nd', dimension: lossDimension };
  return { text: describeLoss({ batch, ...size }, found), found: { ...size, ...found } };
}

function about({ batch, iters }: BenchOptions, { engine, device }: EngineDescription): object {
  return { batch, iterations: iters, engine, device, processor: processorName() };
}

runCommand(() => parseCommand(command));
