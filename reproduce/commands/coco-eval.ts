import CliTable from 'cli-table3';
import { Command } from 'commander';
import { runCommand } from '../../lib/cli';
import { evaluateCoco } from '../../lib/coco/evaluate';
import { readAnnotations } from '../../lib/coco/read-annotations';
import { readDetections } from '../../lib/coco/results-form';
import { statsText } from '../../lib/coco/stats-text';

interface CocoEvalOptions {
  readonly categories?: true;
  readonly json?: true;
}

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
  .option('--json', 'one JSON object on standard output: stats and byCategory, shares from 0 to 1')
  .addHelpText(
    'after',
    `
Example:
  npm run coco-eval -- ~/coco/annotations/instances_val2017.json detections.json --categories`,
  )
  .showHelpAfterError('(--help shows every option)')
  .allowExcessArguments(false)
  .action((annotations: string, results: string, { categories, json }: CocoEvalOptions) => {
    const { notes, ...groundTruth } = readAnnotations(annotations);
    for (const note of notes) process.stderr.write(`${note}\n`);
    const { stats, byCategory } = evaluateCoco(groundTruth, readDetections(results));
    if (json) {
      process.stdout.write(`${JSON.stringify({ stats, byCategory })}\n`);
      return;
    }
    process.stdout.write(`${statsText(stats)}\n`);
    if (!categories) return;
    const table = new CliTable({
      head: ['category', 'objects', 'AP', 'AP50'],
      style: { head: [], border: [] },
    });
    for (const { name, objects, AP, AP50 } of byCategory) {
      table.push([name, objects, AP.toFixed(3), AP50.toFixed(3)]);
    }
    process.stdout.write(`${table.toString()}\n`);
  });

runCommand(() => command.parseAsync());
