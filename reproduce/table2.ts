import { runCommand } from '../lib/cli';
import { table2Command } from './table2/study';

runCommand(async () => {
  await table2Command().parseAsync();
});
