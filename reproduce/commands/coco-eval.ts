import { dirname } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { readAnnotations } from '../../lib/detection/coco/annotations';
import {
  type CocoEvaluation,
  cocoStatNames,
  type CocoStats,
  evaluateCoco,
} from '../../lib/detection/coco/evaluate';
import {
  evaluateInPython,
  largestDifference,
  readDetections,
  requireDetectionsOf,
  statsText,
} from '../../lib/detection/coco/results-form';
import { dataError, numericsError, shown } from '../../lib/errors';
import { requireWritable, writeAtomic } from '../../lib/files';
import { evaluationCurves } from '../../lib/report/plots/precision-recall';
import { renderSvg } from '../../lib/report/plots/style';
import { print, tableOf } from './common';

interface CocoEvalOptions {
  readonly categories?: true;
  readonly curves?: string;
  readonly pycocotools?: string;
  readonly json?: true;
}

/** Figures that differ by no more are the same. */
const agreement = 1e-9;

const command = new Command('npm run coco-eval --')
  .description(
    'COCO’s twelve figures for detections in COCO’s results form, as pycocotools gives them for boxes.',
  )
  .argument('<annotations>', 'the objects: instances_val2017.json, or a file in its form')
  .argument(
    '<results>',
    'the detections: [{"image_id", "category_id", "bbox": [x, y, width, height], "score"}, …]',
  )
  .option('--categories', 'also AP of each category')
  .option('--curves <file.svg>', 'draws the precision–recall curves, by overlap and by category')
  .option(
    '--pycocotools <python>',
    'has pycocotools evaluate the same files under this Python: exit status 1 when a figure differs by more than 1e-9',
  )
  .option('--json', 'one JSON object on standard output: stats and byCategory, shares from 0 to 1')
  .addHelpText(
    'after',
    `
Example:
  npm run coco-eval -- ~/coco/annotations/instances_val2017.json detections.json --categories --curves curves.svg`,
  )
  .showHelpAfterError('(--help shows every option)')
  .allowExcessArguments(false)
  .action(evaluate);

async function evaluate(
  annotations: string,
  results: string,
  { categories, curves, pycocotools, json }: CocoEvalOptions,
): Promise<void> {
  if (curves !== undefined) requireWritable(dirname(curves), '--curves');
  const { notes, ...groundTruth } = readAnnotations(annotations);
  for (const note of notes) process.stderr.write(`${note}\n`);
  const detections = readDetections(results);
  requireDetectionsOf(groundTruth, detections, results);
  const evaluation = evaluateCoco(groundTruth, detections);
  const { stats, byCategory } = evaluation;
  print(json, { stats, byCategory }, statsText(stats));
  if (categories && !json) process.stdout.write(`${categoryTable(byCategory)}\n`);
  if (curves !== undefined) await writeCurves(curves, evaluation, annotations);
  if (pycocotools !== undefined) await compare(pycocotools, annotations, results, stats);
}

function categoryTable(byCategory: CocoEvaluation['byCategory']): string {
  const table = tableOf(['category', 'objects', 'AP', 'AP50']);
  const share = (value: number): string => (value < 0 ? '–' : value.toFixed(3));
  for (const { name, objects, AP, AP50 } of byCategory) {
    table.push([shown(name), objects, share(AP), share(AP50)]);
  }
  return table.toString();
}

async function writeCurves(
  file: string,
  evaluation: CocoEvaluation,
  annotations: string,
): Promise<void> {
  const spec = evaluationCurves(evaluation);
  if (spec === null) {
    throw dataError`there is no curve to draw (${annotations}): found no object to find. Give annotations with an object that is no crowd, or leave --curves out`;
  }
  writeAtomic(file, await renderSvg(spec));
  process.stderr.write(`curves: ${file}\n`);
}

async function compare(
  python: string,
  annotations: string,
  results: string,
  ours: CocoStats,
): Promise<void> {
  const theirs = await evaluateInPython(annotations, results, { python, option: '--pycocotools' });
  const difference = largestDifference(ours, theirs.stats);
  const words = `pycocotools ${theirs.version}: largest difference of the twelve figures ${difference.toExponential(1)}`;
  process.stderr.write(`${words}\n`);
  if (difference <= agreement) return;
  const differing = cocoStatNames
    .filter((name) => Math.abs(ours[name] - theirs.stats[name]) > agreement)
    .map((name) => `${name} ${ours[name]} here, ${theirs.stats[name]} there`);
  throw numericsError`pycocotools gives other figures (${results}): found ${differing.join('; ')}. Please report it with both files: this package means to give the same`;
}

runCommand(() => parseCommand(command));
