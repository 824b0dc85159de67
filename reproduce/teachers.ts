import { runCommand } from '../lib/cli';
import { gridCommand } from './grid/command';
import { teachersStudy } from './studies/teachers';

runCommand(async () => {
  await gridCommand(teachersStudy).parseAsync();
});
