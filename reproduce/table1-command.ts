import { Command, Option } from 'commander';
import { scales } from '../lib/results/schema';
import { runTable1 } from './table1-run';
import { table1Methods } from './recipes/table1';

/** What the user asked for, as the command line gives it. */
export interface Table1Options {
  readonly data?: string;
  readonly dataDir?: string;
  readonly scale: string;
  readonly pairs?: string;
  readonly methods?: string;
  readonly seeds?: string;
  readonly epochs?: string;
  readonly teacherEpochs?: string;
  readonly batch?: string;
  readonly teachers?: string;
  readonly teacherWeights?: string;
  readonly classMeans?: string;
  readonly results: string;
  readonly jobs?: string;
  readonly gpus?: string;
  readonly shard?: string;
  readonly list?: true;
  readonly render?: true;
  readonly resume: boolean;
  readonly tensorboard?: true;
  readonly json?: true;
}

/** `npm run reproduce:table1`. */
export function table1Command(): Command {
  return new Command('npm run reproduce:table1 --')
    .description(
      'Trains teachers, their students and the ++ versions, and prints the paper’s CIFAR-100 table beside ' +
        'the measured one. A run that was cut off goes on where it stopped; a finished one is not run again.',
    )
    .option(
      '--scale <scale>',
      `${scales.join(', ')}: quick takes minutes on the embedded images, short hours on CIFAR-100, ` +
        'paper is the paper’s 240 epochs',
      'quick',
    )
    .option(
      '--data <name>',
      'fashion-mnist (embedded; default of quick), cifar100 (default of short and paper), cifar10, folder:PATH',
    )
    .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
    .option(
      '--pairs <list>',
      'teacher:student, … (default: resnet20:resnet8; for paper: the table’s pairs)',
    )
    .option(
      '--methods <list>',
      `rows of the table: teacher, ${table1Methods().join(', ')}. kd-published is the recipe behind the ` +
        'paper’s number of KD, kd that of kd++ with the ND weight 0 (default: student and the ++ rows beside ' +
        'their bases with ND 0, for quick without ReviewKD’s; for paper: all)',
    )
    .option('--seeds <list>', 'seeds of the students (default: 1; for paper: 1,2,3)')
    .option('--epochs <number>', 'epochs of each student (milestones and warm-ups shrink along)')
    .option('--teacher-epochs <number>', 'epochs of a teacher that is trained here')
    .option('--batch <number>', 'images in a batch, teachers included (default: the recipe’s)')
    .option(
      '--teachers <choice>',
      'published (npm run data -- cifar-teachers), trained (here), or auto: published at --scale paper ' +
        'on cifar100 where they are there, else trained (default: auto)',
    )
    .option(
      '--teacher-weights <file>',
      'a trained teacher (.pth or .safetensors), for a single teacher',
    )
    .option('--class-means <file>', 'its class means (made when not given)')
    .option('--results <path>', 'where runs and tables go', 'results')
    .option(
      '--jobs <number>',
      'processes that train at once on this machine (default: 1, or one for each of --gpus)',
    )
    .option('--gpus <list>', 'GPUs to use, one process each: 0,1,2 (default: as many as jobs)')
    .option(
      '--shard <i/n>',
      'run only the i-th of n parts of the grid, as a task of a scheduler does',
    )
    .addOption(
      new Option('--render', 'train nothing, and render the table from what is there').conflicts([
        'list',
        'jobs',
        'gpus',
        'shard',
      ]),
    )
    .option('--list', 'show what would run, how long it should take and what is done, and stop')
    .option('--resume', 'go on with unfinished runs and keep finished ones (the default)', true)
    .option('--no-resume', 'delete what is there of the runs asked for, and train them anew')
    .option('--tensorboard', 'also write each run’s losses and measurements as TensorBoard events')
    .option('--json', 'one JSON object on standard output instead of the table')
    .addHelpText(
      'after',
      `
Examples:
  npm run reproduce:table1
  npm run reproduce:table1 -- --list
  npm run reproduce:table1 -- --scale short --data-dir ~/data --methods student,kd,kd++ --seeds 1,2,3
  npm run reproduce:table1 -- --scale paper --pairs resnet56:resnet20
  npm run reproduce:table1 -- --scale paper --gpus 0,1,2,3
  npm run reproduce:table1 -- --scale paper --shard 2/8

Several processes, on one machine or on many that share the folder of results, may run the same
command at once: none does the work of another, and the run of one that was killed is taken over.

Quick and short runs are not the paper's setting: what can be compared with it are the gains over the
student alone and of a ++ row over its base.`,
    )
    .showHelpAfterError('(--help shows every option)')
    .allowExcessArguments(false)
    .action((options: Table1Options) => runTable1(options));
}
