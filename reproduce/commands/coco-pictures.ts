import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import type { CocoDataset } from '../../lib/detection/coco/data';
import { cocoData, shapesData } from '../../lib/detection/coco/detection-data';
import { loadCoco } from '../../lib/detection/coco/load';
import { requireDetectionsOf } from '../../lib/detection/coco/results-form';
import { optionError, printable } from '../../lib/errors';
import { requireWritable, writeAtomic } from '../../lib/files';
import { drawDetections } from '../../lib/report/pictures/detection-picture';
import { type ReadPanel, readPanel } from '../../lib/report/pictures/read-panels';

interface PicturesOptions {
  readonly annotations?: string;
  readonly images?: string;
  readonly dataDir?: string;
  readonly shapes?: true;
  readonly out: string;
  readonly ids?: readonly number[];
  readonly count: number;
  readonly leastScore: number;
  readonly most: number;
  readonly side: number;
  readonly jpeg?: true;
  readonly json?: true;
}

const command = new Command('npm run coco-pictures --')
  .description(
    'Draws images of a data set in COCO’s form with boxes: the ground truth, and beside it what each detector found, with class, score and whether it is right. One picture an image.',
  )
  .argument(
    '[detections...]',
    'NAME=FILE in COCO’s results form, or NAME=FOLDER of a run; teacher first, then students; none draws the ground truth alone',
  )
  .option('--annotations <file>', 'instances_*.json of the images')
  .option('--images <folder>', 'the images themselves')
  .addOption(
    new Option(
      '--data-dir <folder>',
      'instead of the two: a folder as COCO 2017 unpacks; its val2017',
    ).conflicts(['annotations', 'images']),
  )
  .addOption(
    new Option(
      '--shapes',
      'instead: the images that reproduce:table3 draws for a machine without COCO',
    ).conflicts(['annotations', 'images', 'dataDir']),
  )
  .requiredOption('--out <folder>', 'where the pictures go: IMAGE-ID.png each')
  .option('--ids <ids>', 'which images, by id: 139,285', ids)
  .option('--count <n>', 'without --ids: the first n images with an object', whole, 6)
  .option('--least-score <share>', 'boxes with a lower score are not drawn', share, 0.5)
  .option('--most <n>', 'at most so many boxes of a detector, the surest', whole, 20)
  .option('--side <pixels>', 'of each image’s longer side in the picture', side, 360)
  .option('--jpeg', 'JPEG in place of PNG: half of the bytes for photographs')
  .option(
    '--json',
    'one JSON object on standard output: {pictures: [{imageId, file, description}]}',
  )
  .addHelpText(
    'after',
    `
Examples:
  npm run coco-pictures -- --data-dir ~/coco teacher=teacher.json student=student.json --out pictures
  npm run coco-pictures -- results/runs/STUDY/PAIR/METHOD/seed-1 --out pictures     # a run of reproduce:table3`,
  )
  .showHelpAfterError('(--help shows every option)')
  .action(draw);

async function draw(given: string[], options: PicturesOptions): Promise<void> {
  const { out, count, leastScore, most, side, jpeg, json } = options;
  requireWritable(out, '--out');
  const panels = given.map(readPanel);
  const dataset = datasetOf(options, panels);
  for (const note of dataset.notes) process.stderr.write(`${note}\n`);
  for (const { detections, file } of panels) {
    requireDetectionsOf(dataset.groundTruth, detections, file);
  }
  const wanted =
    options.ids ??
    [...dataset.training.subarray(0, count)].map((at) => dataset.entries[at]?.id ?? 0);
  const look = { leastScore, most, panelSide: side, format: jpeg ? 'jpeg' : 'png' } as const;
  const pictures = [];
  for (const id of wanted) {
    const drawn = await drawDetections(dataset, id, panels, look);
    const file = join(out, `${String(id)}.${jpeg ? 'jpg' : 'png'}`);
    writeAtomic(file, drawn.bytes);
    pictures.push({ imageId: id, file, description: drawn.description });
    if (!json) process.stdout.write(`${file}  ${printable(drawn.description)}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ pictures })}\n`);
}

/** The images: from what the options name, or from what the runs were evaluated on. */
function datasetOf(
  { annotations, images, dataDir, shapes }: PicturesOptions,
  panels: readonly ReadPanel[],
): CocoDataset {
  if (annotations !== undefined && images !== undefined) return loadCoco({ annotations, images });
  if ((annotations ?? images) !== undefined) {
    const [given, other] =
      images === undefined ? ['annotations', 'images'] : ['images', 'annotations'];
    throw optionError`annotations and their images are given together (--${given}): found no --${other}. Give that too`;
  }
  if (dataDir !== undefined) return cocoData(dataDir).evaluation;
  const ofRuns = [...new Set(panels.flatMap(({ dataset }) => dataset ?? []))];
  if (shapes || (ofRuns.length === 1 && ofRuns[0] === 'shapes')) return shapesData().evaluation;
  const found = ofRuns.length > 0 ? `: found runs on ${ofRuns.join(', ')}` : '';
  throw optionError`nothing says which images are drawn${found}. Give --annotations FILE and --images FOLDER, or --data-dir FOLDER as COCO unpacks, or --shapes for the drawn images`;
}

function ids(text: string): number[] {
  const numbers = text.split(',').map((part) => Number(part.trim() || NaN));
  if (numbers.every(Number.isSafeInteger)) return numbers;
  throw new InvalidArgumentError('Whole numbers with commas between them, such as 139,285.');
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('A whole number above 0.');
}

/** Beyond this a picture has more pixels than a viewer shows, or memory holds. */
const longestSide = 4096;

function side(text: string): number {
  const value = whole(text);
  if (value <= longestSide) return value;
  throw new InvalidArgumentError(`A whole number up to ${longestSide}.`);
}

function share(text: string): number {
  const value = Number(text || NaN);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('A number from 0 to 1.');
}

runCommand(() => parseCommand(command));
