import { Command, Option } from 'commander';
import { scales } from '../../lib/results/schema';
import { runGrid } from './run';
import type { GridStudy } from './study';

/** What the user asked for, as the command line gives it. */
export interface GridOptions {
  readonly data?: string;
  readonly dataDir?: string;
  readonly scale: string;
  readonly pairs?: string;
  readonly methods?: string;
  readonly seeds?: string;
  readonly epochs?: string;
  readonly teacherEpochs?: string;
  readonly batch?: string;
  readonly precision?: string;
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
  /** Of the teachers' study alone. */
  readonly teacherModels?: string;
  readonly students?: string;
  /** Of table 2 alone. */
  readonly size?: string;
  readonly microBatch?: string;
  readonly workers?: string;
  readonly skipCorrupt?: true;
  readonly cache?: string;
  readonly trainImages?: string;
  readonly testImages?: string;
  /** Of the norm study alone. */
  readonly classMeansDir?: string;
}

/** The command of a view of the grid: `npm run reproduce:table1` and so on. */
export function gridCommand(study: GridStudy): Command {
  const { script, description, help, addOptions = (command) => command } = study;
  const command = new Command(`npm run ${script} --`)
    .description(description)
    .option('--scale <scale>', `${scales.join(', ')}: ${help.scales}`, 'quick')
    .option(
      '--data <name>',
      help.data ??
        'fashion-mnist (embedded; default of quick), cifar100 (default of short and paper), cifar10, folder:PATH',
    )
    .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
    .option('--pairs <list>', help.pairs)
    .option('--methods <list>', help.methods)
    .option('--seeds <list>', 'seeds of the students (default: 1; for paper: 1,2,3)')
    .option('--epochs <number>', 'epochs of each student (milestones and warm-ups shrink along)')
    .option('--teacher-epochs <number>', 'epochs of a teacher that is trained here')
    .option('--batch <number>', 'images in a batch, teachers included (default: the recipe’s)')
    .option(
      '--precision <precision>',
      'f32, or bf16: networks compute in bfloat16 while they train; weights and evaluation stay in float32 (default: f32)',
    )
    .option(
      '--teachers <choice>',
      help.teachers ??
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
    .option('--json', 'one JSON object on standard output instead of the table');
  return addOptions(command)
    .addHelpText('after', `\n${help.after}`)
    .showHelpAfterError('(--help shows every option)')
    .allowExcessArguments(false)
    .action((options: GridOptions) => runGrid(study, options));
}
