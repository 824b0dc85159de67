import { Command, Option } from 'commander';
import { scales } from '../../lib/results/schema';
import { paperPairs, table3Methods } from '../recipes/table3';
import { runTable3 } from './run';

/** What the user asked for, as the command line gives it. */
export interface Table3Options {
  readonly scale: string;
  readonly data?: string;
  readonly dataDir?: string;
  readonly pairs?: string;
  readonly methods?: string;
  readonly seeds?: string;
  readonly iterations?: string;
  readonly teacherIterations?: string;
  readonly classMeansIterations?: string;
  readonly batch?: string;
  readonly shortSide?: string;
  readonly teachers?: string;
  readonly teacherWeights?: string;
  readonly studentWeights?: string;
  readonly results: string;
  readonly shard?: string;
  readonly list?: true;
  readonly render?: true;
  readonly resume: boolean;
  readonly json?: true;
}

/** `npm run reproduce:table3`. */
export function table3Command(): Command {
  return new Command('npm run reproduce:table3 --')
    .description(
      'Trains Faster R-CNN students with an FPN on COCO, or on a data set in its form, alone and under a teacher, with ' +
        'and without ND on the box head, and prints the paper’s table beside the measured one. Without data of ' +
        'yours it draws some. A run that was cut off goes on where it stopped; a finished one is not run again.',
    )
    .option(
      '--scale <scale>',
      `${scales.join(', ')}: quick takes minutes with small detectors on 64 drawn images of shapes, short an ` +
        'hour or so with small detectors on data of yours, paper is the paper’s recipe (180,000 iterations)',
      'quick',
    )
    .option(
      '--data <name>',
      'shapes (drawn by the program; default of quick), coco (DATA-DIR/coco; default of paper), coco:PATH: a ' +
        'folder with annotations/instances_{train,val}2017.json, train2017/ and val2017/',
    )
    .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
    .option(
      '--pairs <list>',
      `teacher:student, … (default: r34-small:r18-small; for paper: ${paperPairs.join(', ')})`,
    )
    .option(
      '--methods <list>',
      `rows: teacher, ${table3Methods().join(', ')} (default: all; for quick student, kd, kd++, reviewkd, reviewkd++)`,
    )
    .option('--seeds <list>', 'seeds of the students (default: 1)')
    .option('--iterations <number>', 'of each student (milestones and warm-up shrink along)')
    .option('--teacher-iterations <number>', 'of a teacher that is trained here')
    .option(
      '--class-means-iterations <number>',
      'training batches over which a teacher’s class means are gathered (for paper: 30,000)',
    )
    .option('--batch <number>', 'images in a batch (default: the recipe’s)')
    .option('--short-side <pixels>', 'of the resized images of small detectors')
    .option(
      '--teachers <choice>',
      'published (files in DATA-DIR/detectors, as r101-fpn.pkl), trained (here), or auto: published where they ' +
        'are there (default: auto)',
    )
    .option(
      '--teacher-weights <file>',
      'a trained teacher (.pkl of detectron2, .pth, .safetensors), for pairs of a single teacher',
    )
    .option(
      '--student-weights <file>',
      'what a student begins with, a published backbone (.pkl, .pth, .safetensors), for pairs of a single ' +
        'student (default: DATA-DIR/detectors/STUDENT-backbone.* where it is there)',
    )
    .option('--results <path>', 'where runs and tables go', 'results')
    .option(
      '--shard <i/n>',
      'run only the i-th of n parts of the table, as a task of a scheduler does',
    )
    .addOption(
      new Option('--render', 'train nothing, and render the table from what is there').conflicts([
        'list',
        'shard',
      ]),
    )
    .option('--list', 'show what would run, how long it should take and what is done, and stop')
    .option('--resume', 'go on with unfinished runs and keep finished ones (the default)', true)
    .option('--no-resume', 'delete what is there of the runs asked for, and train them anew')
    .option('--json', 'one JSON object on standard output instead of the table')
    .addHelpText(
      'after',
      `
Examples:
  npm run reproduce:table3
  npm run reproduce:table3 -- --list
  npm run reproduce:table3 -- --scale short --data coco:~/coco-mini --methods student,kd,kd++
  npm run reproduce:table3 -- --scale paper --data-dir ~/data --pairs r101-fpn:r18-fpn --methods kd++

The paper's teachers are detectron2's published detectors, its students begin with published backbones:
put the files into DATA-DIR/detectors, as r101-fpn.pkl (model_final_….pkl), r50-fpn.pkl,
r18-fpn-backbone.pth (torchvision's resnet18), r50-fpn-backbone.pkl (MSRA's R-50.pkl) and
mobilenet_v2-fpn-backbone.pth. Several processes that share the folder of results may run the same
command at once: none does the work of another.`,
    )
    .showHelpAfterError('(--help shows every option)')
    .allowExcessArguments(false)
    .action((options: Table3Options) => runTable3(options));
}
