import { runCommand } from '../lib/cli';
import { table1Command } from './table1-command';

runCommand(() =>
  table1Command()
    .parseAsync()
    .then(() => undefined),
);
