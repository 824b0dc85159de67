import { Command } from 'commander';
import { runCommand } from '../../lib/cli';
import { numericsError } from '../../lib/errors';
import { wholeNumber } from '../../reproduce/commands/common';
import { fuzz, inWords } from './fuzz';

interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  readonly reader?: string;
}

const command = new Command('npm run fuzz --')
  .description(
    'Gives every reader of files wrong ones, made from right ones by their structure. Each must be refused in a printable line, or read; anything else is a failure (exit status 1).',
  )
  .option('--cases <number>', 'files', wholeNumber, 2000)
  .option('--seed <number>', 'of the changes', wholeNumber, 1)
  .option('--reader <name>', 'only readers whose name contains this')
  .allowExcessArguments(false)
  .action(async ({ cases, seed, reader: only }: FuzzOptions) => {
    const onCase = (done: number): void => {
      if (done % 1000 === 0) process.stderr.write(`${done} of ${cases}\n`);
    };
    const result = await fuzz({ cases, seed, only, onCase });
    process.stdout.write(`${inWords(result)}\n`);
    if (result.failures.length > 0) {
      throw numericsError`some files were neither read nor refused (npm run fuzz): found ${result.failures.length} of ${cases}. Mend the readers named above`;
    }
  });

runCommand(() => command.parseAsync());
