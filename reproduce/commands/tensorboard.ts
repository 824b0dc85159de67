import { join } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { resultsError } from '../../lib/errors';
import { runDirectories, studyNames } from '../../lib/runs/store';
import { writeTensorBoard } from '../../lib/runs/tensorboard';
import { print } from './common';

interface TensorBoardOptions {
  readonly results: string;
  readonly json?: true;
}

const command = new Command('npm run tensorboard --')
  .description(
    'Writes TensorBoard event files for the runs that are there, finished or not, from their metrics. ' +
      'TensorBoard itself is a Python package: pip install tensorboard.',
  )
  .option('--results <path>', 'where the runs are', 'results')
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .action(writeAll);

function writeAll({ results, json }: TensorBoardOptions): void {
  const files = studyNames(results, '')
    .flatMap((study) => runDirectories(results, study))
    .flatMap((directory) => writeTensorBoard(directory) ?? []);
  const runs = join(results, 'runs');
  if (files.length === 0) {
    throw resultsError`there is no run with a whole epoch (${runs}). Train one with npm run reproduce:table1, or name another folder with --results`;
  }
  const words = `${files.length} runs written. To see them: tensorboard --logdir ${runs}`;
  print(json, { files }, words);
}

runCommand(() => parseCommand(command));
