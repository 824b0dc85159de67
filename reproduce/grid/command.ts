import { Command, Option } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { deviceVariable } from '../../lib/engine/load';
import { runGrid } from '../../lib/runs/run-grid';
import type { TaskKind } from '../../lib/runs/task';
import { registerDatasets } from '../datasets';
import { type GridOptions, gridSettings, type GridStudy, scalesOf } from './settings';

/** The command of a view of the grid: `npm run reproduce:table1` and so on. */
export function gridCommand<Kind extends TaskKind>(study: GridStudy<Kind>): Command {
  const { script, description, help, scope, addOptions = (command) => command } = study;
  const command = new Command(`npm run ${script} --`)
    .description(description)
    .option('--scale <scale>', `${scalesOf(study.defaults).join(', ')}: ${help.scales}`, 'quick')
    .option('--data <name>', scope.help.data)
    .option('--data-dir <path>', 'where data sets lie (or NORM_DIRECTION_LAB_DATA)')
    .option('--pairs <list>', help.pairs)
    .option('--methods <list>', help.methods)
    .option('--seeds <list>', `seeds of the students (default: ${seedsByScale(study)})`)
    .option('--batch <number>', 'images in a batch, teachers included (default: the recipe’s)')
    .option(
      '--precision <precision>',
      'f32; tf32 on a GPU, whose products round float32 to 10 bits; or bf16: networks that have bfloat16 compute in it while they train; weights and evaluation stay in float32 (default: f32)',
    )
    .option(
      '--deterministic',
      'equal bytes at every run on the same GPU, from slower kernels (a CPU gives them anyway)',
    )
    .option('--teachers <choice>', scope.help.teachers);
  scope
    .addOptions(command)
    .option('--results <path>', 'where runs and tables go', 'results')
    .option(
      '--jobs <number>',
      'processes that train at once on this machine, or auto: one for each GPU there is (default: 1, or one for each of --gpus)',
    )
    .option(
      '--gpus <list>',
      'GPUs to use, one process each: 0,1,2; an error where there is none (default: as many as jobs)',
    )
    .option(
      '--shard <i/n>',
      'run only the i-th of n parts of the grid, as a task of a scheduler does',
    )
    .addOption(
      new Option(
        '--manifest <csv>',
        'run the lines of a file, pair,method,seed, and no other; --list --missing writes one',
      ).conflicts(['pairs', 'methods', 'seeds', 'shard', 'teacherModels', 'students']),
    )
    .option(
      '--index <n>',
      'of the manifest only run n, counted from 0 (default: JOB_COMPLETION_INDEX, where Kubernetes sets it; else all)',
    )
    .option(
      '--hours <number>',
      'run what fits into that time, what tells most first, and stop, saved, at its end',
    )
    .addOption(
      new Option('--render', 'train nothing, and render the table from what is there').conflicts([
        'list',
        'jobs',
        'gpus',
        'shard',
        'hours',
        'missing',
        'tensorboard',
      ]),
    )
    .option(
      '--list',
      'show what would run, how long it should take and what is done, and stop; times a few steps with the engine, on the data, so that both must be there',
    )
    .option('--missing', 'with --list: only what is left, as a manifest')
    .option('--resume', 'go on with unfinished runs and keep finished ones (the default)', true)
    .option('--no-resume', 'delete what is there of the runs asked for, and train them anew')
    .option('--tensorboard', 'also write each run’s losses and measurements as TensorBoard events')
    .option('--json', 'one JSON object on standard output instead of the table');
  return addOptions(command)
    .addHelpText('after', `\n${help.after}`)
    .showHelpAfterError('(--help shows every option)')
    .allowExcessArguments(false)
    .action((options: GridOptions) => {
      registerDatasets();
      const settings = gridSettings(study, options);
      // Who names GPUs means to compute on them: where there is none, that is an error.
      if (options.gpus !== undefined) process.env[deviceVariable] ||= 'gpu';
      return runGrid(settings);
    });
}

/** Runs a study's command when its file is the program, and not when a test or another file reads it. */
export function runWhenMain<Kind extends TaskKind>(
  module: NodeJS.Module,
  study: GridStudy<Kind>,
): void {
  if (require.main === module) runCommand(async () => parseCommand(gridCommand(study)));
}

function seedsByScale<Kind extends TaskKind>({ defaults }: GridStudy<Kind>): string {
  const { quick, reduced, paper } = defaults;
  const others = Object.entries({ reduced, paper })
    .filter(([, own]) => own !== undefined && own.seeds !== quick.seeds)
    .map(([scale, own]) => `; for ${scale}: ${own?.seeds ?? ''}`);
  return `${quick.seeds}${others.join('')}`;
}
