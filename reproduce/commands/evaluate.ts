import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { readClassFolders } from '../../lib/data/folder';
import { type Preprocessing, preprocessingOf } from '../../lib/data/images';
import { isFolder } from '../../lib/data/paths';
import { startEngine } from '../../lib/engine/load';
import { LabError, optionError } from '../../lib/errors';
import { requireFile } from '../../lib/files';
import { imageNetModelNames } from '../../lib/models/registry';
import { loadTrainedModel } from '../../lib/runs/classification-teacher';
import { evaluateFolder, type FolderEvaluation } from '../../lib/train/evaluate-folder';
import { type Flags, type Texts, wholeNumber } from '../grid/settings';
import { print, withDataProgress } from './common';

type EvaluateOptions = Readonly<Record<'model' | 'weights' | 'data', string>> &
  Texts<'classes' | 'preprocessing' | 'size' | 'batch' | 'workers'> &
  Flags<'skipCorrupt' | 'json'>;

/** Damaged files that are named one by one. */
const mostNamed = 10;

const command = new Command('npm run evaluate --')
  .description(
    'Measures a network of table 2 on a folder of images, as torchvision or timm evaluates it: each model with the ' +
      'scaling, crop, interpolation, mean and deviation that it was published with. Published .pth and .safetensors ' +
      'files are read as they are; no code in them is run.',
  )
  .requiredOption('--model <name>', imageNetModelNames.join(', '))
  .requiredOption('--weights <file>', 'its weights (.pth or .safetensors)')
  .requiredOption('--data <folder>', 'CLASS/…, or val/CLASS/… or test/CLASS/… in it')
  .option(
    '--classes <file>',
    'the model’s classes in its order, a name a line, for a folder that has only some of them',
  )
  .option(
    '--preprocessing <model>',
    'prepare the images as for this model instead (the paper evaluates its ViT teachers as resnet18)',
  )
  .option('--size <pixels>', 'side of the images (default: the published 224)')
  .option('--batch <number>', 'images at once', '32')
  .option('--workers <number>', 'threads that decode images (default: processors less one)')
  .option('--skip-corrupt', 'leave out images that cannot be decoded, and count them')
  .option('--json', 'one JSON object on standard output')
  .addHelpText(
    'after',
    `
Examples:
  npm run evaluate -- --model resnet34 --weights resnet34-b627a593.pth --data ~/imagenet
  npm run evaluate -- --model vit_small_patch16_224 --weights model.safetensors --data ~/imagenet --preprocessing resnet18`,
  )
  .showHelpAfterError('(--help shows every option)')
  .allowExcessArguments(false)
  .action(evaluate);

async function evaluate(options: EvaluateOptions): Promise<void> {
  const { model: name, weights, data, skipCorrupt, json } = options;
  const size = wholeNumber(options, 'size');
  const batchSize = wholeNumber(options, 'batch');
  const workers = wholeNumber(options, 'workers');
  const preprocessing = preprocessingOf(options.preprocessing ?? name, size);
  const classes = options.classes === undefined ? undefined : namesIn(options.classes);
  const count = classes?.length ?? classesIn(data);
  requireFile(weights, '--weights');
  await startEngine();
  const model = await loadTrainedModel(weights, name, count, size).catch((error: unknown) => {
    throw classes === undefined ? naming(error, count, data) : error;
  });
  const started = performance.now();
  try {
    const settings = { classes, batchSize, workers, skipCorrupt };
    const found = await withDataProgress((onProgress) =>
      evaluateFolder(model, data, preprocessing, { ...settings, onProgress }),
    );
    const seconds = (performance.now() - started) / 1000;
    const whole = { model: name, classes: count, preprocessing, ...found, seconds };
    print(json, whole, inWords(name, found, preprocessing, seconds));
  } finally {
    model.dispose();
  }
}

/** Weights of another form than the folder asks for: the folder may hold a part of the model's classes only. */
function naming(error: unknown, count: number, data: string): unknown {
  if (!(error instanceof LabError) || error.kind !== 'model') return error;
  const fix = `${error.fix}. The folder has ${count} classes (--data ${data}): if the model has more, name them all with --classes FILE, a class a line in the model’s order`;
  return new LabError(error.kind, error.problem, fix, { cause: error });
}

function inWords(
  name: string,
  { top1, top5, images, leftOut }: FolderEvaluation,
  { evaluation, normalisation }: Preprocessing,
  seconds: number,
): string {
  const { resize, crop, interpolation } = evaluation;
  const named = leftOut.slice(0, mostNamed).map(({ file, fault }) => `  ${file}: ${fault}`);
  const others = leftOut.length - named.length;
  return [
    `${name}: ${top1.toFixed(2)} % top-1, ${top5.toFixed(2)} % top-5 on ${images} images (${(images / seconds).toFixed(0)} images/s)`,
    `prepared by: short side to ${resize} (${interpolation}), middle ${crop} × ${crop}, mean ${normalisation.mean.join(' ')}, deviation ${normalisation.std.join(' ')}`,
    ...(leftOut.length > 0 ? [`${leftOut.length} images left out:`, ...named] : []),
    ...(others > 0 ? [`  and ${others} more`] : []),
  ].join('\n');
}

function classesIn(data: string): number {
  const inside = ['val', 'test'].map((split) => join(data, split)).find(isFolder);
  return readClassFolders(inside ?? data).classes.length;
}

function namesIn(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw optionError.because(
      error,
    )`the list of classes cannot be read (--classes ${file}): found ${String(error)}. Give a text file with a class a line, in the model’s order`;
  }
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (names.length >= 2 && repeated === undefined) return names;
  throw optionError`the list of classes must name two or more, each once (--classes ${file}): found ${repeated === undefined ? `${names.length} names` : `'${repeated}' twice`}. Give a text file with a class a line, in the model’s order`;
}

runCommand(() => parseCommand(command));
