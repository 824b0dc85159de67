import { runCommand } from '../lib/cli';
import { table3Command } from './table3/command';

runCommand(async () => {
  await table3Command().parseAsync();
});
