import { runCommand } from '../lib/cli';
import { table1Command } from './table1-study';

runCommand(async () => {
  await table1Command().parseAsync();
});
